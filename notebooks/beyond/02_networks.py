# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Networks
#
# On the last page the classifier stayed a line and got better inputs, made without a single label. What does it buy to let the labels shape the
# features, too?
#
# *20 minutes to read, 45 with the exercises. **You need** [Training](../mnist/03_training.ipynb) and
# [Better features](01_better_features.ipynb).*
#
# After this chapter you can
#
# * write a hidden layer and a small convolutional network, and train both with the loop that you know;
# * see why deep stacks of sigmoids did not learn;
# * test a recipe alone (augmentation, dropout, weight decay, batch normalisation), and say when it is not settled;
# * reuse learnt features where labels are few.

# %% tags=["remove-cell"]
# @title Set-up: install the book's package where it is missing, and nothing else
import importlib.metadata
import importlib.util
import subprocess
import sys

version = "0.2.0"
release = f"https://github.com/logistic-regression-measured/book/archive/refs/tags/v{version}.zip"
command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", release]
if importlib.util.find_spec("tutorial_utils") is None:
    installed = subprocess.run(command, capture_output=True, text=True)
    if installed.returncode != 0:
        raise RuntimeError(f"pip could not install {release}:\n{installed.stderr}")
    importlib.invalidate_caches()

import tutorial_utils

if tutorial_utils.__version__ != version:
    raise RuntimeError(
        f"This notebook needs tutorial_utils {version}; {tutorial_utils.__version__} is "
        f"installed. Run this, then restart the kernel:\n{' '.join(command)}"
    )

needed = """
numpy scipy pandas matplotlib seaborn scikit-learn statsmodels
pydantic tqdm pooch requests filelock safetensors typer pillow torch
torchvision
"""
find = importlib.metadata.distributions
missing = [name for name in needed.split() if not any(find(name=name))]
if missing:
    raise ImportError(f"Libraries are missing: pip install {' '.join(missing)}")

# %% tags=["parameters"]
seed: int = 0  # the first seed, 0 or more
device: str = "auto"  # where to compute: "auto", "cpu", "cuda", "mps"
num_epochs: int = 6  # passes over the training images, 1 or more
short_epochs: int = 8  # epochs of the comparisons, 3 or more
num_seeds: int = 3  # runs of each comparison, 2 or more
num_images: int = 10_000  # training images of a comparison, 1,000 to 40,000

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from tutorial_utils.data import datasets
from tutorial_utils.features import networks, recipes
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.report import results
from tutorial_utils.reproducibility import choose_device
from tutorial_utils.training.config import TrainingConfig

config = TrainingConfig(
    seed=seed,
    device=device,
    num_epochs=num_epochs,
    batch_size=128,
    learning_rate=0.1,
    schedule="one_cycle",
    early_stopping_patience=num_epochs,
)
fewer = {"num_epochs": short_epochs, "early_stopping_patience": short_epochs}
short = config.but(**fewer)
here, folder = choose_device(device), results.output_folder()
use_book_style()

# %% [markdown]
# ## A hidden layer
#
# Softmax regression weighs pixels. Put a layer in between: 256 weighted sums of the pixels, each cut off at zero. They are the features, and
# the scores are weighted sums of *them*. Without the cut, called **ReLU**, two sums in a row would be one sum, and nothing would be won.


# %%
class HiddenLayer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.hidden = nn.Linear(784, width)
        self.scores = nn.Linear(width, 10)

    def forward(self, images):
        sums = self.hidden(images.flatten(start_dim=1))
        return self.scores(torch.relu(sums))


# %% [markdown]
# `backward` follows the chain rule through both layers, so the loop is the one that you know. One thing is new: the rate changes after *every*
# batch, up from a 25th of its height, then down to almost nothing. **One cycle** allows long steps in the middle, and a few epochs are
# enough.


# %%
def fit(model, batches, epochs, rate):
    optimiser = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    steps = {"total_steps": epochs * len(batches), "cycle_momentum": False}
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, **steps)
    for _ in range(epochs):
        for images, labels in batches:
            loss = F.cross_entropy(model(images), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            cycle.step()


# %%
from tutorial_utils.training.batches import training_batches
from tutorial_utils.training.trainer import Trainer, measure

digits, pictures = map(datasets.load, ("mnist", "cifar10"))
train, validation = training_batches(digits.train, config)
train, validation = train.to(here), validation.to(here)
torch.manual_seed(seed)
mine = HiddenLayer(256).to(here)
fit(mine, train, num_epochs, config.learning_rate)
measure(mine, validation)

# %% [markdown]
# Loss and accuracy on the validation images. [The line](../mnist/03_training.ipynb) makes several times as many errors. With
# `schedule="one_cycle"` among its settings, `Trainer` does what your loop did, and keeps the best epoch as always. Its weights are yours:

# %%
torch.manual_seed(seed)
theirs = HiddenLayer(256).to(here)
Trainer(config).fit(theirs, *training_batches(digits.train, config))
torch.equal(mine.hidden.weight, theirs.hidden.weight)

# %% [markdown]
# ## A convolution
#
# A hidden layer does not know that pixels have neighbours. Shuffle the pixels of all images in the same way, and it learns as well. A
# **convolution** slides a small window of weights, a **filter**, over the image and asks everywhere the same question. That is how patches
# became features on [the last page](01_better_features.ipynb). Now the filters are weights like any other, and `backward` reaches them.


# %%
def layer(inputs, filters, size, step):
    margin = (size - 1) // 2
    learn = nn.Conv2d(inputs, filters, size, step, margin, bias=False)
    return learn, nn.BatchNorm2d(filters), nn.ReLU()


def convolutional(channels, a, b, c, d):
    return nn.Sequential(
        *layer(channels, a, size=6, step=2),
        *layer(a, b, size=3, step=2),
        *layer(b, c, size=3, step=1),
        nn.MaxPool2d(2),
        *layer(c, d, size=3, step=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(d, 10),
    )


# %% [markdown]
# Read from the top. Filters of 6 x 6 pixels move two pixels at a time, so a 28 x 28 image becomes 14 x 14 answers per filter. The next layer
# looks at 3 x 3 of these answers of all filters, again in steps of two. (Early steps of two make a network quick: a quarter of the places is a
# quarter of the work.) `MaxPool2d` keeps the largest of each 2 x 2. At last each filter's answers are averaged: these are the features. The final
# line is softmax regression, as ever. `BatchNorm2d` gets a section below.
#
# `recipes.train_new` seeds, makes the network and trains it with `Trainer`, or finds it in a file. Rates and
# sizes were chosen beforehand, on validation images.

# %%
fast = config.but(learning_rate=0.2)
small = partial(convolutional, 1, 16, 32, 32, 64)
reader, history = recipes.train_new(small, fast, digits, folder)
history.best.validation_accuracy, history.best.validation_loss

# %% [markdown]
# The convolution has a sixth of the hidden layer's weights, and makes half as many errors. One reason: a filter's weights serve at every place of an image, so
# each is learnt from far more examples. Nothing is left to choose here. So now, once, the test images, with the
# [interval by blocks](../mnist/04_evaluation.ipynb).

# %%
mnist_test = recipes.measure_test(reader, digits)
mnist_test

# %% [markdown]
# ## Why not deeper? Gradients that vanish
#
# If one hidden layer helps, why not eight? For a long time the answer was: they do not learn. Build eight layers the old way, with
# sigmoids, and eight with ReLU. Give both the same first weights and one batch, and look at each layer's gradient.
# **Predict first:** how much smaller is it in the first layer than in the last?


# %%
def deep(activation, depth=8):
    return networks.dense(784, [64] * depth, activation=activation)


def gradients(network, images, labels):
    F.cross_entropy(network(images), labels).backward()
    layers = [part for part in network if isinstance(part, nn.Linear)]
    return [part.weight.grad.norm().item() for part in layers]


batch, norms = next(iter(validation)), {}
for kind in (nn.Sigmoid, nn.ReLU):
    torch.manual_seed(seed)
    norms[kind.__name__] = gradients(deep(kind).to(here), *batch)

# %% tags=["hide-input"]
# @title Figure: gradients by layer
from tutorial_utils.lessons.show import show
from tutorial_utils.plots.training import compare_curves

curves = {name: (range(1, 10), each) for name, each in norms.items()}
labels = {"xlabel": "layer, from the image on", "ylabel": "norm of gradient"}
show(
    compare_curves(curves, marked=True, yscale="log", **labels),
    caption="Gradient of each layer on one batch, on a logarithmic axis.",
    alt="With sigmoids the norm falls by almost six powers of ten from the last"
    " layer to the first. With ReLU it falls by about one.",
)

# %% [markdown]
# On its way back, a gradient is multiplied in each layer by the weights and by the slope of the activation. A sigmoid's slope is at most a
# quarter. Eight of them leave next to nothing, and the first layers stand still. ReLU's slope is one wherever something gets through. Does
# it matter? Train both on a few of the images:


# %% tags=["hide-input"]
# @title Both trained: accuracy on the validation images
def after_few(make, config, data, change=None):
    how = {"chosen": slice(num_images), "change": change}
    _, history = recipes.train_new(make, config, data, folder, **how)
    return history.records[-1].validation_accuracy


depths, slow = {}, short.but(learning_rate=0.05)
for kind in (nn.Sigmoid, nn.ReLU):
    depths[kind.__name__] = after_few(partial(deep, kind), slow, digits)
depths

# %% [markdown]
# The deep sigmoids guess. Neither loss nor code is wrong, but the signal does not arrive. With ReLU it does arrive, though eight layers after a few
# epochs are still behind the line. One reason is that PyTorch's first weights are small for them. First weights of the right size
# ([He et al., 2015](https://arxiv.org/abs/1502.01852)) and normalisation keep the signal alive.
#
# ## Four recipes, each alone
#
# MNIST is nearly solved, so take CIFAR-10, and a few of its images. Every tutorial has these four:
#
# * **Augmentation** shifts each training image a little and mirrors every other one, at random, each time anew.
# * **Dropout** sets a random share of the features to zero in training, so that none can rely on another
#   ([Srivastava et al., 2014](https://jmlr.org/papers/v15/srivastava14a.html)).
# * **Weight decay** pulls all weights towards zero.
# * **Batch normalisation** brings each filter's answers to mean 0 and deviation 1 over the batch, then scales and shifts them by learnt numbers
#   ([Ioffe and Szegedy, 2015](https://arxiv.org/abs/1502.03167)).
#
# The package's `networks` has your network, with switches; `recipes` has `shift` and `flip`. Start with none of the four, and add one. Then start from batch
# normalisation, and add one of the others. In testing, dropout is off, and batch normalisation uses running means: `Trainer` switches by `model.train()` and `model.eval()`. `after_few`, defined in the folded cell above, trains on `num_images` images and gives the accuracy on the validation
# images at the end. Runs with the same seed share their images and their order.


# %%
def augment(images):
    return recipes.flip(recipes.shift(images, most=2))


RECIPES = {
    "none": {},
    "augmentation": {"change": augment},
    "dropout": {"dropout": 0.3},
    "weight decay": {"decay": 0.001},
}
BASES = {"alone": False, "after batch norm": True}


def run(seed, batch_norm, change=None, decay=0.0, dropout=0.0):
    settings = short.but(dataset="cifar10", seed=seed, weight_decay=decay)
    how = {"dropout": dropout, "batch_norm": batch_norm}
    make = partial(networks.convolutional, 3, (16, 32, 32, 64), **how)
    return after_few(make, settings, pictures, change)


# %%
SEEDS = range(seed, seed + num_seeds)
runs = {
    f"{name}, {base}": [run(each, switch, **recipe) for each in SEEDS]
    for base, switch in BASES.items()
    for name, recipe in RECIPES.items()
}

# %% [markdown]
# Subtract the run without the recipe, seed by seed, and take the mean and its 95 % interval over seeds. With three seeds it is
# wide, and should be. In the table *alone* means without batch normalisation, and *none* without the other three.

# %% tags=["hide-input"]
# @title Mean accuracy over the seeds
import pandas as pd

from tutorial_utils.evaluation.statistics import mean_interval

frame = pd.DataFrame(runs, SEEDS)
plain, normed = (frame[f"none, {base}"] for base in BASES)
differences = {"batch norm": normed - plain}
for name in frame.drop(columns=[plain.name, normed.name]):
    base = plain if "alone" in name else normed
    differences[name] = frame[name] - base
gains = {n: (d.mean(), *mean_interval(d)) for n, d in differences.items()}
frame.mean().to_frame("mean accuracy").round(3)

# %% tags=["hide-input"]
# @title Figure: what each recipe gains
from tutorial_utils.plots.evaluation import intervals

ax = intervals(gains, xlabel="gain in validation accuracy")
ax.axvline(0, color="black", linewidth=1)
show(
    ax,
    caption="Gain of each recipe: mean over seeds, with its 95 % interval.",
    alt="Seven horizontal intervals. That of batch norm lies far to the right;"
    " the others are near the line at zero.",
)

# %% [markdown]
# Batch normalisation stands out: its whole interval lies far to the right of zero. For the others, look where zero lies. Where the interval holds it,
# three seeds do not settle the question, whichever way the mean points, and "dropout improves accuracy" is more than you may say here. Where
# one barely leaves it, remember that you looked at seven, and that each misses the truth one time in twenty. All gains of one base subtract the same three runs, so they err together.
#
# None of the three comes near it, and that is no surprise. They are brakes: they keep a network from fitting its training images too closely, and make
# it learn more slowly. In a few epochs there is little to brake. Recipes answer a problem, so look first whether you have it. Longer runs may: try
# `short_epochs = 40`, and take a walk.
#
# ## All of CIFAR-10
#
# The settings are chosen now, on validation images. Take all training images, twice as many filters, and the one recipe that nobody need argue
# about. The network that comes out meets the test images once.

# %%
wide = partial(networks.convolutional, 3, (32, 64, 64, 128))
full = config.but(dataset="cifar10", learning_rate=0.2)
network, wide_history = recipes.train_new(wide, full, pictures, folder)
cifar10_test = recipes.measure_test(network, pictures)
cifar10_test

# %% [markdown]
# [The line on pixels](../cifar10/04_evaluation.ipynb) was wrong more often than right. This network is right nearly twice as often. What do the
# filters of its first layer look like?

# %% tags=["hide-input"]
# @title Figure: learnt filters
from tutorial_utils.plots.model import filters

show(
    filters(network[0].weight.detach().cpu()),
    caption="All filters of the first layer, each with its own brightness.",
    alt="Four rows of eight small coloured squares. Some show an edge or a bar"
    " in some direction, others a blot of one colour beside another.",
)

# %% [markdown]
# Edges in several directions, and spots of one colour against another. Nobody asked for edges. Compare them with the centroids of
# [the last page](01_better_features.ipynb): those came from the patches alone, these from the labels as well.
#
# ## Features for digits never seen
#
# Are learnt features good for their own classes alone? Train the convolution on the digits 0 to 4. Then freeze it, and give its features to a softmax
# regression that must tell 5 to 9 apart from a few images each. Pixels and an *untrained* network's features compete
# ([Yosinski et al., 2014](https://arxiv.org/abs/1411.1792) ask the same of large networks).


# %%
half, _ = recipes.train_new(small, fast, digits, folder, classes=range(5))

# %% tags=["hide-input"]
# @title Softmax regression on pixels, and on the features of two networks
from tutorial_utils.features import few_labels

torch.manual_seed(seed)
inputs = {
    "pixels": nn.Flatten(),
    "untrained network": small().to(here)[:-1],
    "learnt on 0 to 4": half[:-1],
}
COUNTS, transfer = (2, 5, 10, 20, 50, 100), pd.DataFrame()
for name, part in inputs.items():
    few = partial(few_labels.compute, part, classes=range(5, 10), most=5_000)
    found = few_labels.accuracies(few(train), few(validation), COUNTS, SEEDS)
    transfer[name] = pd.Series(found.mean(axis=1), COUNTS)

# %% tags=["hide-input"]
# @title Figure: what features are worth when labels are few
curves = {name: (COUNTS, each) for name, each in transfer.items()}
labels = {"xlabel": "labelled images of each digit", "ylabel": "accuracy"}
ax = compare_curves(curves, marked=True, xscale="log", **labels)
ax.set(xticks=COUNTS, xticklabels=COUNTS)
show(
    ax,
    caption="Accuracy on the digits 5 to 9, with a logarithmic axis below.",
    alt="Three rising lines. Features learnt on the digits 0 to 4 lie on top"
    " everywhere.",
)

# %% [markdown]
# Learnt features are ahead at every number of labels: what was learnt on 0 to 4 serves 5 to 9, too. The
# untrained network is a weak opponent: 64 features against 784 pixels, and its batch normalisation has seen no image.
#
# So what does learning the features buy? Most of the way from pixels needed no labels, as [the last page](01_better_features.ipynb) showed. Labels that shape the features bring the rest: fewer errors still on MNIST, and some points more on CIFAR-10. And they leave features that serve classes never seen. The classifier on top is still yours: softmax regression.

# %% tags=["remove-input"]
# @title Guards of the sentences above
from tutorial_utils.lessons.expect import expect

same = torch.equal(mine.hidden.weight, theirs.hidden.weight)
expect("your weights and those of Trainer are equal", same, equals=True)
errors = [1 - measure(m, validation)[1] for m in (mine, reader)]
expect("the line makes several times as many", errors[0], below=0.025)
expect("the convolution halves them", errors[1] / errors[0], below=0.75)
sizes = [sum(w.numel() for w in m.parameters()) for m in (reader, mine)]
expect("a sixth of the weights", sizes[1] / sizes[0], between=(5.5, 6.9))
expect("about one digit in a hundred is misread", mnist_test[0], above=0.988)
falls = {name: each[0] / each[-1] for name, each in norms.items()}
expect("sigmoids leave next to nothing", falls["Sigmoid"], below=1e-4)
expect("ReLU leaves far more", falls["ReLU"], above=1e-2)
expect("the deep sigmoids guess", depths["Sigmoid"], below=0.2)
expect("the deep ReLUs learn", depths["ReLU"], between=(0.55, 0.85))
gain, *others = gains.values()
expect("batch norm's interval is far from zero", gain[1], above=0.03)
rest = max(mean for mean, _, _ in others)
expect("no other recipe comes near", rest / gain[0], below=0.5)
expect("nearly twice the line's 0.40", cifar10_test[0], between=(0.7, 0.82))
margin = (transfer.iloc[:, 2] - transfer.iloc[:, :2].max(axis=1)).min()
expect("learnt features are ahead everywhere", margin, above=0.02)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# How many numbers does `nn.Conv2d(3, 32, 6, bias=False)` learn, and how many multiplications does it make for one image if its filters stop
# at 16 x 16 places? Enter the second.

# %%
from tutorial_utils.lessons import checks

multiplications = ...
hint = "6 * 6 * 3 weights in each of 32 filters, used at every place"
checks.answer(multiplications, 884_736, tolerance=0.5, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# 6 * 6 * 3 * 32 weights, each used at 16 * 16 places.
6 * 6 * 3 * 32, 6 * 6 * 3 * 32 * 16 * 16

# %% [markdown]
# ### Exercise 2 ★★ Predict, then run
#
# By which factor does the gradient shrink from one layer of sigmoids to the one before it, on average? Guess from the figure, then run.

# %%
factor = ...
hint = "eight steps from the last layer to the first, nearly all alike"
checks.answer(factor, falls["Sigmoid"] ** (1 / 8), tolerance=0.04, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# Less than the quarter that the slope allows: the weights shrink it, too.
falls["Sigmoid"] ** (1 / 8)

# %% [markdown]
# ### Exercise 3 ★★★ A convolution by hand
#
# `your_convolution` gets one grey image (height, width) and one filter, and returns the answers at every place where the filter fits, in steps of one
# pixel. The starter gives answers of the right shape.


# %%
def your_convolution(image, window):
    return image[:5, :5] * 0


checks.convolution(your_convolution)


# %% tags=["hide-cell"]
# @title Solution
# `unfold` lays every window of the image side by side; then one product each.
def my_convolution(image, window):
    height, width = window.shape
    windows = image.unfold(0, height, 1).unfold(1, width, 1)
    return (windows * window).sum(dim=(2, 3))


checks.convolution(my_convolution)

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
from tutorial_utils.lessons.questions import ask, choice, number

ask(
    [
        choice(
            "You leave out `torch.relu` in `HiddenLayer`. What remains?",
            {
                "softmax regression": "",
                "a deeper network": "Two linear maps in a row are one.",
                "nothing that learns": "It learns, but no more than a line.",
            },
            correct="softmax regression",
            because="a sum of sums is a sum.",
        ),
        number(
            "How many weights and biases has `HiddenLayer(100)`?",
            answer=785 * 100 + 101 * 10,
            tolerance=0.5,
            form=".0f",
            because="785 for each hidden unit, 101 for each class.",
        ),
        choice(
            "The gradient of layer 1 is a millionth of that of layer 9. What"
            " does a higher learning rate do?",
            {
                "it makes up for it": "Layer 9 would diverge first.",
                "it does not help": "",
            },
            correct="it does not help",
            because="one rate serves all layers; the last ones set its limit.",
        ),
        choice(
            "A recipe gains 0.01 on average over three seeds; the interval runs"
            " from -0.01 to 0.03. What do you report?",
            {
                "it helps": "The interval holds 0, too.",
                "it does nothing": "It may gain up to 0.03.",
                "not settled": "",
            },
            correct="not settled",
            because="both signs are within the interval.",
            sure=True,
        ),
        choice(
            "You have ten labelled images of each new class. You start with",
            {
                "a new network": "It has far more weights than images.",
                "features learnt on other classes": "",
                "pixels": "Above they lie below, at every number of images.",
            },
            correct="features learnt on other classes",
            because=f"here they are ahead by at least {margin:.2f}.",
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Goodfellow, Bengio and Courville (2016)](https://www.deeplearningbook.org), chapters 6, 7 and 9.
# * [LeCun et al. (1998)](https://doi.org/10.1109/5.726791), the network that read cheques.

# %% tags=["remove-cell"]
# @title The results file
again = [fast.but(seed=each, **fewer) for each in SEEDS]
metrics = {
    "mnist_few_images_accuracy": [after_few(small, e, digits) for e in again],
    "cifar10_few_images_accuracy": runs,
    "recipe_gains": gains,
    "weights": {"convolution": sizes[0], "hidden layer": sizes[1]},
    "gradient_norms": norms,
    "deep_accuracy": depths,
    "transfer_accuracy": transfer.to_dict("list"),
}
fits = {"mnist": (mnist_test, history), "cifar10": (cifar10_test, wide_history)}
given, timings = {"num_seeds": num_seeds, "num_images": num_images}, {}
for data, (tested, history) in fits.items():
    for end, value in zip(("", "_low", "_high"), tested, strict=True):
        metrics[f"{data}_test_accuracy{end}"] = value
    timings[f"{data}_training_seconds"] = sum(history.column("seconds"))
path = results.write(
    "beyond/02_networks",
    parameters=config.model_dump() | given,
    metrics=metrics,
    timings=timings,
    data_hash=f"{digits.fingerprint}+{pictures.fingerprint}",
)
