# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The model, before and after training
#
# The model is the one that read digits; its input is four times as long. What does it make of a colour photograph, before it has learnt anything
# and after?
#
# *16 minutes to read, 40 with the exercises. **You need** [Exploring CIFAR-10](01_eda.ipynb), and [MNIST's model](../mnist/02_model.ipynb),
# which explains weights, logits and softmax. Next comes [Training](03_training.ipynb).*
#
# After this chapter you can
#
# * read a shape error and mend it;
# * explain why an untrained model favours one class, and test the explanation;
# * check a model before training by its loss and accuracy;
# * show what a linear model sees of a photograph.
#
# **New here.** Images have three channels, so $W$ has 10 rows and 3,072 columns. Pixels stay between 0 and 1, all of them positive. And the first
# weights are drawn as PyTorch draws them if nobody asks for anything else.

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
dataset: str = "cifar10"  # data set, "cifar10"
seed: int = 0  # fixes split, order and initial weights, 0 or more
initialisation: str = "default"  # start: "xavier_uniform" or "default"
num_epochs: int = 60  # passes over the training images, 1 or more
batch_size: int = 100  # images per batch, 1 or more
validation_split: float = 0.2  # share of images held out, between 0 and 1
num_seeds: int = 200  # untrained models to look at, 2 or more

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
from tutorial_utils.lessons.expect import expect
from tutorial_utils.lessons.show import show
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.report.narrate import table
from tutorial_utils.training.config import HEADLINE

config = HEADLINE["cifar10"].but(
    dataset=dataset,
    seed=seed,
    initialisation=initialisation,
    num_epochs=num_epochs,
    batch_size=batch_size,
    validation_split=validation_split,
    early_stopping_patience=num_epochs,
)
use_book_style()

# %% [markdown]
# ## Shapes that fit and shapes that do not
#
# A linear layer from 3,072 inputs to 10 outputs wants rows of 3,072 numbers. A batch of images has four axes. Try it.

# %%
from torch import nn

from tutorial_utils.data import datasets
from tutorial_utils.training.batches import training_batches

data = datasets.load(dataset)
names = data.description.class_names
train, validation = training_batches(data.train, config)
images, labels = next(iter(train))

try:
    nn.Linear(3072, 10)(images)
except RuntimeError as error:
    print(tuple(images.shape), error, sep="\n")

# %% [markdown]
# Read it from the numbers. The layer took the last axis, 32 pixels wide, for the inputs of an example. All other axes together it took for
# examples: 100 x 3 x 32 = 9,600 of them. Two matrices whose inner sizes differ cannot be multiplied.
#
# The cure is to flatten each image. The size -1 means "whatever is left over".


# %%
class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3072, 10)

    def forward(self, images):
        return self.linear(images.reshape(-1, 3072))


model = Classifier()
model(images).shape, model(images[:7]).shape

# %% [markdown]
# Call `model(images)`, and leave `forward` to it: `nn.Module` does more around it, such as running hooks.

# %%
for name, weight in model.named_parameters():
    print(name, tuple(weight.shape), weight.requires_grad)

# %% [markdown]
# One row of 3,072 weights for each class, and ten biases. `requires_grad` says that autograd follows them. PyTorch draws both uniformly between
# $-1/\sqrt{3072}$ and $1/\sqrt{3072}$, about 0.018.
#
# ## What it says before training
#
# Two photographs, their logits, and what softmax makes of them. The model is the package's: the same layer, with first weights that the seed
# fixes.

# %%
import torch

from tutorial_utils.training.models import make_model

untrained = make_model(config).cpu()
with torch.no_grad():
    logits = untrained(images[:2])
probabilities = logits.softmax(dim=1)

# %% tags=["hide-input"]
# @title Table: two images, as an untrained model sees them
import pandas as pd

two = pd.DataFrame({"class": names})
for label, z, p in zip(labels[:2], logits, probabilities, strict=True):
    two[f"{names[label]}: logit"], two[f"{names[label]}: p"] = z, p
table(two, {name: ".3f" for name in two.columns[1:]})

# %% [markdown]
# A deer and a dog, says the file; deer both times, says the model. Is that an accident? Count its answers to all validation images.

# %%
x, y = validation.images / 255, validation.labels
with torch.no_grad():
    all_logits = untrained(x)
answers = all_logits.argmax(dim=1).bincount(minlength=10)
dict(zip(names, answers.tolist(), strict=True))

# %% [markdown]
# It says deer to nearly everything. (So its right answer means little.)
#
# ### Why does it favour one class?
#
# Look at the inputs. Pixels between 0 and 1 are never negative, and on the whole alike: most photographs are mostly some middle grey. So an image is
# a large part that all share, plus a smaller part of its own. The shared part adds to each class a number of its own, and the same for *every* image: in effect,
# a multiple of the sum of its random weights. The class with the luckiest sum wins nearly everywhere.
#
# **Predict first.** If that is right, which class wins is chance, and differs from seed to seed. Subtracting the mean image, which removes the
# shared part, should break the favourite's hold. The small biases should not matter. Try 200 models.


# %%
def favourite(logits):
    answers = logits.argmax(dim=1).bincount(minlength=10)
    return answers.argmax().item(), answers.max().item() / len(logits)


flat, mean_image = x.flatten(1), x.flatten(1).mean(dim=0)
found = {"as it is": [], "no bias": [], "no bias, centred": []}
for each in range(num_seeds):
    fresh = make_model(config.but(seed=each)).cpu()
    W, b = (tensor.detach() for tensor in fresh.parameters())
    scores = flat @ W.T
    found["as it is"].append(favourite(scores + b))
    found["no bias"].append(favourite(scores))
    found["no bias, centred"].append(favourite(scores - W @ mean_image))

# %% tags=["hide-input"]
# @title Figure: favourites of untrained models
import numpy as np

from tutorial_utils.plots import data as plots

counts, shares = {}, {}
for name, pairs in found.items():
    winners, of_images = zip(*pairs, strict=True)
    counts[name] = np.bincount(winners, minlength=10).tolist()
    shares[name] = np.array(of_images)
medians = {name: np.median(each).item() for name, each in shares.items()}
show(
    plots.favourites(counts["as it is"], shares, names),
    caption="How often each class is the favourite of an untrained model"
    " (left), and the share of images that the favourite gets (right).",
    alt="Left, ten bars of similar height. Right, three boxes: with and without"
    " bias the favourite gets about two thirds of the images, with centred"
    " inputs less than a fifth.",
    name="fig-cifar10-favourites",
)

# %% [markdown]
# All three hold. The favourite is any class, about equally often. In the median model it gets about two thirds of the images, with or without bias. Once the inputs are centred it
# gets less than a fifth. The digits had less of this trouble: they were [standardised](../mnist/01_eda.ipynb#Pixels-that-a-model-can-use), which subtracts one mean from all pixels, and so a part of what images share.
# (The tutorial that this part re-examines saw one such model answer "truck", and left the reason to its readers.
# See [its claims, measured](../claims/02_cifar10.ipynb).)
#
# ## Loss and accuracy before training
#
# Accuracy needs no softmax, which keeps the order of the logits.


# %%
def accuracy(scores, labels):
    return (scores.argmax(dim=1) == labels).double().mean().item()


accuracy(all_logits, y), accuracy(all_logits.softmax(dim=1), y)

# %% tags=["hide-input"]
# @title Table: the loss before training
from tutorial_utils.training.trainer import measure

loss_of_each = nn.CrossEntropyLoss(reduction="none")
with torch.no_grad():
    losses = {
        name: torch.cat([loss_of_each(untrained(a), b) for a, b in part])
        for name, part in (("training", train), ("validation", validation))
    }
means = {name: each.mean().item() for name, each in losses.items()}
errors = {k: (v.var() / len(v)).sqrt().item() for k, v in losses.items()}
frame = pd.DataFrame({"loss": means, "error": errors}).rename_axis("images")
table(frame.reset_index(), {"loss": ".4f", "error": ".4f"})

# %% [markdown]
# Two checks before any training. About one image in ten is right: guessing. And the loss is near $\ln 10 \approx 2.303$, that of even shares. A much
# higher one says that the logits start too large.
#
# The two losses must also agree, up to a few standard errors (the last column). The model has seen neither part. A larger difference would
# be a warning: the parts were prepared differently, or one of them is no random sample.

# %% tags=["remove-input"]
# @title The sentences above, guarded
from scipy.stats import chisquare

bound = 3072**-0.5
widest = max(weight.abs().max().item() for weight in untrained.parameters())
expect("both are drawn within the bound", widest / bound, below=1.01)
sums = all_logits.softmax(dim=1).sum(dim=1, dtype=torch.float64)
worst_sum = (sums - 1).abs().max().item()
expect("a row of probabilities sums to one", worst_sum, below=1e-5)
said = [names[k] for k in logits.argmax(dim=1)]
expect("deer both times", said, equals=["deer", "deer"])
shown = [names[k] for k in labels[:2]]
expect("a deer and a dog, says the file", shown, equals=["deer", "dog"])
expect("it says deer to nearly all", answers[4] / len(y), above=0.9)
p_equal = chisquare(counts["as it is"]).pvalue
expect("any class is the favourite", p_equal, above=0.01)
held = min(medians["as it is"], medians["no bias"])
expect("it gets about two thirds", held, between=(0.6, 0.73))
expect("centred, less than a fifth", medians["no bias, centred"], below=0.2)
untrained_accuracy = accuracy(all_logits, y)
expect("one in ten is right", untrained_accuracy, between=(0.08, 0.12))
untrained_losses = list(means.values())
expect("the loss is near ln 10", max(untrained_losses), between=(2.3, 2.45))
error = (frame["error"] ** 2).sum() ** 0.5
gap = abs(untrained_losses[0] - untrained_losses[1])
expect("the two losses agree", gap / error, below=3)

# %% [markdown]
# ## What it sees after training
#
# Load the weights that the [next page](03_training.ipynb) finds. Each class has a weight for red, green and blue at each place, so its row of $W$ can be
# drawn as a colour image. As for the digits, only differences between classes count, so subtract the mean over classes.

# %%
from tutorial_utils.report import results
from tutorial_utils.training.trainer import load_or_fit

trained, history = load_or_fit(config, data, results.output_folder())
trained = trained.cpu()
weights = trained.linear.weight.detach().view(10, 3, 32, 32)
relative = weights - weights.mean(dim=0)

# %% tags=["hide-input"]
# @title Figure: weights as coloured templates
scaled = (0.5 + relative / (6 * relative.std())).clamp(0, 1)
show(
    plots.image_grid(scaled.permute(0, 2, 3, 1), names),
    caption="Weights of each class, relative to the mean over classes. Where a"
    " template is red, red speaks for the class; grey has no say.",
    alt="Ten noisy patches: bluish for airplane and ship, greenish and brownish"
    " for animals; in that of automobile a faint red car seen from the front.",
    name="fig-cifar10-weights",
)

# %% [markdown]
# There is one template for each class, and it must serve every pose and every paint at once. So there is little drawing in them and much colour: blue
# for airplanes and ships, green for deer and frogs. How little drawing? Take the detail out of the photographs. Cut each into patches, and fill every patch with its
# mean colour. **Predict first:** how much accuracy will patches of 4 x 4 pixels cost? (An image has 8 x 8 of them. The code counts patches along a side, not pixels.)


# %%
def mosaic(images, patches):
    size = images.shape[-1] // patches
    means = nn.functional.avg_pool2d(images, size)
    return nn.functional.interpolate(means, scale_factor=size)


seen = {}
with torch.no_grad():
    for patches in (32, 8, 4, 1):
        seen[patches] = accuracy(trained(mosaic(x, patches)), y)
seen

# %% tags=["hide-input"]
# @title Figure: a photograph in patches
picked = (y == 7).nonzero()[:3, 0]
steps = [mosaic(x[picked], patches) for patches in seen]
pictures = torch.stack(steps, dim=1).flatten(0, 1).permute(0, 2, 3, 1)
titles = [f"{k} x {k}: {100 * share:.0f} % right" for k, share in seen.items()]
show(
    plots.image_grid(pictures, titles + [""] * 8, columns=4),
    caption="Three horses in ever larger patches, and how many of all"
    " validation images the trained model gets right in such patches.",
    alt="Three rows of four pictures: a photograph, the same in eight by eight"
    " patches, in four by four, and as one flat colour.",
    name="fig-cifar10-mosaic",
)

# %% [markdown]
# Next to nothing. In 8 x 8 patches you could hardly say what the pictures show, and the model is right about as often as before. Even one flat colour for the whole
# image gets it twice as far as guessing. So this is what a linear model sees of a photograph: a few dozen patches of colour. A sky, a meadow, a road. That is also why it cannot
# be much better than it is, as [the end of this part](05_error_analysis.ipynb) argues.

# %% tags=["remove-input"]
# @title The sentences above, guarded
loss_of_detail = seen[32] - seen[8]
expect("patches of 4 x 4 cost next to nothing", loss_of_detail, below=0.03)
expect("one flat colour is twice as good", seen[1], between=(0.16, 0.24))
blue = relative[:, 2].mean(dim=(1, 2)) - relative[:, 0].mean(dim=(1, 2))
bluest = sorted(names[k] for k in blue.topk(2).indices)
expect("blue for airplanes and ships", bluest, equals=["airplane", "ship"])
green = relative[:, 1] - (relative[:, 0] + relative[:, 2]) / 2
greenest = green.mean(dim=(1, 2)).topk(3).indices.tolist()
least = int({4, 6} <= set(greenest))
expect("green for deer and frogs", least, equals=1)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# How many parameters has this model? Put the number in place of the dots.

# %%
from tutorial_utils.lessons import checks

your_count = ...
right = sum(weight.numel() for weight in model.parameters())
hint = "weights, and one bias for each class"
checks.answer(your_count, right, tolerance=0.5, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# 3,072 x 10 + 10, almost four times the 7,850 of the model for digits.
right

# %% [markdown]
# ### Exercise 2 ★ Predict, then run
#
# Show the trained model a sheet of plain sky blue. Which class will it say, by number, 0 for airplane to 9 for truck? And how sure will it be? Write
# down the first in place of the dots, then run.

# %%
your_class = ...
sky = torch.tensor([0.55, 0.75, 0.95]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
p = trained(sky).softmax(dim=1)[0].detach()
hint = "which class has the most sky in it?"
checks.answer(your_class, p.argmax(), tolerance=0.5, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# An airplane, or else a ship. Try other colours: what is red all over?
dict(zip(names, p.tolist(), strict=True))

# %% [markdown]
# ### Exercise 3 ★★ A model with no favourite
#
# Set all weights and biases to zero. Which accuracy has it on the validation images, to four digits? `argmax` takes the first of equals.

# %% tags=["remove-cell"]
# @title What the check of exercise 3 compares with
ties = (y == 0).double().mean()

# %%
your_accuracy = ...
hint = "all classes tie: which one does it always say?"
checks.answer(your_accuracy, ties, tolerance=5e-5, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# The share of airplanes. Its loss is ln 10 exactly.
blank = Classifier()
for weight in blank.parameters():
    nn.init.zeros_(weight)
measure(blank, validation)[::-1]

# %% [markdown]
# ### Exercise 4 ★★★ Brighter images
#
# Add 1 to every pixel of every image. Which share of the validation images goes to the favourite of `untrained` now? Softmax ignores a number added to
# all logits. Why does it not ignore this one?

# %% tags=["remove-cell"]
# @title What the check of exercise 4 compares with
brighter = favourite(untrained(x + 1).detach())[1]

# %%
your_share = ...
hint = "favourite(...) takes logits, and gives class and share"
checks.answer(your_share, brighter, tolerance=0.005, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# What is added to a pixel is multiplied by each class's own weights, so each
# logit gets another number: the shared part has grown.
favourite(all_logits)[1], brighter

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
from tutorial_utils.lessons.questions import ask, choice, number

ask(
    [
        choice(
            "What is the shape of `linear.weight`?",
            ["(3072, 10)", "(10, 3072)", "(3, 32, 32)"],
            correct=str(tuple(model.linear.weight.shape)),
            because="one row of 3,072 weights for each of ten classes.",
        ),
        choice(
            "An untrained model says ship to most images. Why?",
            {
                "ships are frequent": "All classes are equally frequent.",
                "its random weights for ship have a large sum": "",
                "its bias for ship is large": "Without biases it is the same.",
            },
            correct="its random weights for ship have a large sum",
            because="all images share a positive part, which these multiply.",
            sure=True,
        ),
        number(
            "A model gives each of 100 classes the same probability. Which loss"
            " has it?",
            answer=np.log(100).item(),
            tolerance=0.06,
            form=".2f",
            because="it is the logarithm of the number of classes.",
        ),
        choice(
            "Before any training, the validation loss is 20 standard errors"
            " below the training loss. What do you suspect?",
            {
                "overfitting": "Nothing has been fitted yet.",
                "the two parts were prepared differently": "",
                "chance": "Chance makes a few standard errors, not twenty.",
            },
            correct="the two parts were prepared differently",
            because="an untrained model has seen neither.",
        ),
        choice(
            "What does the trained model mostly go by?",
            ["outlines", "patches of colour", "small details"],
            correct="patches of colour" if loss_of_detail < 0.03 else "",
            because=f"without detail it is right in {seen[8]:.3f} of cases, not"
            f" {seen[32]:.3f}.",
            sure=True,
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Dhalla 2020](https://medium.com/ai-in-plain-english/complete-guide-image-classification-on-cifar-10-chapter-i-multiclass-logistic-regression-525daee0775b)
#   poses the question of the favourite class.
#
# Blue for airplanes, green for frogs: who taught it that, and could better training teach it more? [Training](03_training.ipynb) tries.

# %% tags=["remove-cell"]
# @title The results file
path = results.write(
    "cifar10/02_model",
    parameters={**config.model_dump(), "num_seeds": num_seeds},
    metrics={
        "untrained_accuracy": untrained_accuracy,
        "untrained_train_loss": untrained_losses[0],
        "untrained_validation_loss": untrained_losses[1],
        "worst_row_sum_error": worst_sum,
        "favourite_counts": counts,
        "favourite_median_share": medians,
        "p_equal_chances": p_equal,
    },
    data_hash=data.fingerprint,
)
