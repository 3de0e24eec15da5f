# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Error analysis on CIFAR-10
#
# Why is your model wrong on most photographs? And is that its fault, or could no linear model do much better?
#
# *18 minutes to read, 40 with the exercises. **You need** [Evaluation](04_evaluation.ipynb), and
# [the error analysis of MNIST](../mnist/05_error_analysis.ipynb) for the methods.*
#
# **New against MNIST**, and after this chapter you can
#
# * study errors where they are the rule;
# * find out what a model goes by: change the photographs, and ask again;
# * find the minimum of a penalised loss, and say why the minimum of a loss is no ceiling of accuracy;
# * separate what a method cannot do from what training has not done.

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
device: str = "auto"  # where to compute: "auto", "cpu", "cuda", "mps"
num_epochs: int = 60  # passes over the training images, 1 or more
num_seeds: int = 10  # trainings that differ by chance alone, 2 or more
short_epochs: int = 8  # epochs of the comparisons, 3 or more
solver_steps: int = 110  # most steps of the solver, 1 or more

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
import torch

from tutorial_utils.plots.style import use_book_style
from tutorial_utils.training.config import HEADLINE

config = HEADLINE["cifar10"].but(dataset=dataset, seed=seed, device=device)
config = config.but(num_epochs=num_epochs, early_stopping_patience=num_epochs)
use_book_style()

# %% [markdown]
# ## Errors that come back
#
# How many of the ten thousand validation images does it get wrong, and how many of the ten thousand test images?

# %%
import pandas as pd

from tutorial_utils.data import datasets
from tutorial_utils.evaluation import errors as lists
from tutorial_utils.evaluation.predictions import predict
from tutorial_utils.report import results
from tutorial_utils.training.trainer import load_or_fit

data, folder = datasets.load(dataset), results.output_folder()
names = pd.Series(data.description.class_names)
model = load_or_fit(config, data, folder)[0].cpu()
train, validation = datasets.split(data.train, config.validation_split, seed)
said, errors = {}, {}
for name, part in {"validation": validation, "test": data.test}.items():
    said[name] = predict(model, datasets.standardise(part))
    errors[name] = lists.collect_errors(part.labels, said[name])
pd.Series({name: len(each) for name, each in errors.items()})

# %% [markdown]
# Is that bad luck in training? Train with other seeds, and count for each test image how many of the models get it wrong.

# %%
from tutorial_utils.training import replicas

inputs, truth = datasets.standardise(data.test), data.test.labels
seeds = [config.but(seed=each) for each in range(num_seeds)]
runs = replicas.load_or_train(seeds, data, folder)
wrong = torch.stack([predict(r.model, inputs).labels != truth for r in runs])
shares = wrong.sum(dim=0).bincount(minlength=num_seeds + 1) / len(truth)
stable = wrong.all(dim=0)[errors["test"].index.tolist()].double().mean()
[round(x.item(), 3) for x in (shares[0], shares[-1], stable)]

# %% [markdown]
# The shares of images that none and that all of the models get wrong. The last is the share of *your* model's errors that every seed makes, four in five. They belong to the photographs and the method, not to chance.
#
# ## Confident errors
#
# So look at the photographs. Here are the errors of which the model is surest. What might it have gone by?

# %% tags=["hide-input"]
# @title Figure: the ten most confident errors
from tutorial_utils.lessons.show import show
from tutorial_utils.plots import evaluation as plots

surest = errors["validation"].nlargest(10, "confidence")
pictures = validation.images[surest.index.tolist()].permute(0, 2, 3, 1)
both = names[surest.true], names[surest.predicted]
show(
    plots.prediction_grid(pictures, *both, surest.confidence),
    caption="The ten validation errors of which the model is surest: answer,"
    " confidence, label.",
    alt="Two red airplanes and two red trucks called horse; a yellow bird and"
    " three yellow cars and trucks called frog; a cat on blue called ship.",
)

# %% [markdown]
# Confident errors led to doubtful labels on MNIST. Here [the same search](../mnist/05_error_analysis.ipynb#Labels-that-may-be-wrong) lists so many candidates:

# %%
from tutorial_utils.evaluation.labels import label_candidates

candidates = label_candidates(truth, said["test"])
len(candidates) / len(truth)

# %% [markdown]
# Nearly half of all labels, where [Northcutt, Athalye and Mueller (2021)](https://arxiv.org/abs/2103.14749), with far better models and people to judge, found 54 wrong ones in ten thousand. A method that trusts a model's sureness needs a model that is seldom wrong.
#
# ## What does it go by?
#
# You have seen [the templates](02_model.ipynb#What-it-sees-after-training), and what is left when photographs become mosaics: colours at places, hardly any drawing. Horse is pink above green, frog a yellow-green spot. So a red airplane was called a horse, and a yellow car a frog: most of the ten surest errors were called one or the other.
#
# Are places of the background among them? Do not guess: change the test images, and ask the same model again. **Predict first:** take away a frame, or as many pixels in the middle. Which costs more accuracy?

# %%
usual = train.images.float().mean(dim=0) / 255  # the average image
edge = torch.ones(32, 32, dtype=torch.bool)
edge[5:27, 5:27] = False  # a frame of 540 pixels around 484

changes = {
    "as it is": lambda x: x,
    "mirrored": lambda x: x.flip(3),
    "grey": lambda x: x.mean(dim=1, keepdim=True).expand_as(x),
    "middle alone": lambda x: torch.where(edge, usual, x),
    "frame alone": lambda x: torch.where(edge, x, usual),
}
answers = {k: predict(model, f(inputs)).labels for k, f in changes.items()}
own, rows = said["test"].labels, {}
for name, answer in answers.items():
    same = torch.stack([answer == truth, answer == own]).double()
    rows[name] = same.mean(dim=1).tolist()
effects = pd.DataFrame(rows, ["accuracy", "answers kept"]).T
effects.round(3)

# %% tags=["hide-input"]
# @title Figure: one photograph, changed
from tutorial_utils.plots.data import image_grid

one = inputs[:1]
of_one = {k: f(one)[0].permute(1, 2, 0) for k, f in changes.items()}
titles = [f"{k}\n{100 * effects.accuracy[k]:.1f} %" for k in of_one]
show(
    image_grid(torch.stack(list(of_one.values())), titles),
    caption="A test image in five versions, each with the accuracy on all test"
    " images changed so.",
    alt="A cat on a blue ground: as it is, mirrored, in grey, and with its"
    " frame and then its middle replaced by a brownish average.",
)

# %% [markdown]
# * **Mirrored.** The accuracy stays, as cars and cats face either way. But a quarter of the answers change, though nothing that matters has. A horse that faces left and one that faces right pull the same weights in different directions.
# * **Grey.** A large part is gone, so colour is much of what it goes by. (It never saw grey in training. The test says what *this* model uses, not what one trained on grey images could.)
# * **Frame and middle.** From the frame alone, where background is, it does about as well as from as many pixels in the middle, where things are. (What is taken away is replaced by the average training image, which speaks for no class in particular.)
#
# So are birds taken for airplanes because of the sky? That question came from test images, so put it to validation images. How much more blue than red has the frame?

# %% tags=["hide-input"]
# @title Table: blue less red in the frame
channels = validation.images[:, :, edge].double().mean(dim=2) / 255
blue = channels[:, 2] - channels[:, 0]
bird, airplane = validation.labels == 2, validation.labels == 0
called_airplane = said["validation"].labels == 0
groups = {"birds called airplane": bird & called_airplane}
groups |= {"other birds": bird & ~called_airplane, "airplanes": airplane}
sky = {name: blue[each].mean().item() for name, each in groups.items()}
pd.Series(sky).round(3)

# %% [markdown]
# Those birds fly before a sky even bluer than that of most airplanes; other birds sit in brown or green.
#
# ## Is low accuracy inevitable?
#
# The tutorial that this part re-examines says so: the score of a class is a weighted sum, so each pixel speaks for or against it in the same way, wherever the thing stands. The argument is sound. How far does it reach?
#
# Begin with two of the 3,072 numbers, the red and the blue of one pixel, for cats and for dogs.

# %% tags=["hide-input"]
# @title Figure: two channels of one pixel
from tutorial_utils.plots.data import scatter

dots = {}
for label in (3, 5):
    spot = train.images[train.labels == label][:300, :, 16, 16]
    dots[names[label]] = spot[:, 0], spot[:, 2]
show(
    scatter(dots, xlabel="red", ylabel="blue"),
    caption="Red and blue of the centre pixel, 300 cats and 300 dogs.",
    alt="Two clouds of points, stretched along the diagonal, that cover each"
    " other almost completely.",
)

# %% [markdown]
# They overlap. **But two numbers may be too few where all together suffice.** With all 3,072, a few thousand training images can almost always be parted by a plane. What counts is *new* images. So train on some of the classes alone, 1,500 images of each, and ask about new ones.

# %% tags=["hide-input"]
# @title A small trial: train on some images, answer for others
import torch.nn.functional as F

from tutorial_utils.reproducibility import make_generator
from tutorial_utils.training.batches import Batches
from tutorial_utils.training.models import make_model

transform = datasets.training_transform(data.description)


def trial(part, on, model, size=100, lr=0.009, momentum=0.0):
    optimiser = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum)
    order = make_generator(seed, "order")
    batches = Batches(part.images, part.labels, size, order, transform)
    for _ in range(short_epochs):
        for images, labels in batches:
            optimiser.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimiser.step()
    said = predict(model, datasets.standardise(on), batch_size=500)
    return said.labels == on.labels


# %% tags=["hide-input"]
# @title Table: two to ten classes
subsets = {count: [] for count in (2, 3, 5, 10)}
for count, found in subsets.items():
    for number in range(5 if count < 10 else 1):
        draw = make_generator(number, "subset")
        drawn = torch.randperm(10, generator=draw)[:count]
        rows = torch.isin(train.labels, drawn).nonzero()[: 1_500 * count, 0]
        asked = torch.isin(validation.labels, drawn).nonzero()[:, 0]
        both = train.subset(rows), validation.subset(asked)
        right = trial(*both, make_model(config).cpu())
        found.append(right.double().mean().item())
rows = {count: [min(a), max(a), 1 / count] for count, a in subsets.items()}
pd.DataFrame(rows, ["lowest", "highest", "guessing"]).round(2)

# %% [markdown]
# Columns are numbers of classes, drawn at random five times. Even two classes are not told apart reliably, and accuracy falls with each further class. Mind what else changes: guessing gets harder, too, and fewer classes had fewer images, so fewer steps. [Claim 48](../claims/02b_cifar10_training.ipynb#Claim-48:-more-classes-make-linear-separation-harder) takes both out, and it still gets harder.
#
# ## The minimum of the loss
#
# **Perhaps training just stopped too early?** The loss is convex, so its minimum can be sought. Without a penalty there may be none to reach; with an L2 penalty of strength $\lambda$ the objective
#
# $$
# J(W, b) = \frac{1}{n}\sum_i \ell_i + \frac{\lambda}{2}\lVert W \rVert^2
# $$
#
# has exactly one best $W$. Its gradient is [the one that you know](../foundations/02_gradients.ipynb), the mean of $(p - y)\,x^\top$, plus $\lambda W$. In place of small steps, **L-BFGS** estimates curvature from past gradients, and leaps. The norm of the gradient says how near it came: at a minimum it is 0.


# %%
def prepare(part):
    return part.images.flatten(1).float().div_(255).sub_(mean_pixel)


mean_pixel = usual.flatten()
x, y, one_hot = prepare(train), train.labels, F.one_hot(train.labels, 10)
held, of_test = prepare(validation), prepare(data.test)


# %%
def search(strength):
    w, b, path = torch.zeros(10, 3_072), torch.zeros(10), []

    def objective():
        log_p = (x @ w.T + b).log_softmax(dim=1)
        errors = (log_p.exp() - one_hot) / len(y)  # p - y
        w.grad, b.grad = errors.T @ x + strength * w, errors.sum(dim=0)
        return F.nll_loss(log_p, y) + strength / 2 * w.square().sum()

    settings = {"line_search_fn": "strong_wolfe", "history_size": 20}
    solver = torch.optim.LBFGS([w, b], max_iter=10, max_eval=20, **settings)
    for _ in range(solver_steps // 10):
        solver.step(objective)
        right = (held @ w.T + b).argmax(dim=1) == validation.labels
        path.append(right.double().mean().item())
    value = objective().item()
    right = (of_test @ w.T + b).argmax(dim=1) == truth
    return value, w.grad.norm().item(), path, right


# %%
minima = {strength: search(strength) for strength in (0.01, 0.003, 0.0)}
rows = {k: (*found[:2], found[2][-1]) for k, found in minima.items()}
pd.DataFrame(rows, ["objective", "gradient", "accuracy"]).T.round(4)

# %% tags=["hide-input"]
# @title Figure: on the way to the minimum
from tutorial_utils.plots.training import compare_curves

steps = range(10, solver_steps + 1, 10)
curves = {f"penalty {k:g}": (steps, m[2]) for k, m in minima.items()}
labels = {"xlabel": "steps of L-BFGS", "ylabel": "validation accuracy"}
show(
    compare_curves(curves, marked=True, **labels),
    caption="Validation accuracy on the way to the minimum, by penalty.",
    alt="Three curves rise. With a penalty they level off near 0.40 and 0.41;"
    " without one the curve rises as high and then falls, below 0.39.",
)

# %%
from tutorial_utils.evaluation.statistics import paired_difference

best = max((0.01, 0.003), key=lambda strength: minima[strength][2][-1])
at_minimum = minima[best][3]
lead = paired_difference(said["test"].labels == truth, at_minimum)
at_minimum.double().mean().item(), lead[:3]

# %% [markdown]
# The penalty that is better on validation images leads on the test images by about a percentage point. That is surely more than nothing, and nothing like what is missing. Training had not stopped too early.
#
# And look at the curve without a penalty. Its loss on training images falls and falls, and its accuracy on new ones *drops*. **The minimum of a loss is no ceiling of accuracy.** Nor is the penalised one: another penalty, or stopping midway, may do a little better.
#
# ## A model that is not linear
#
# **Or do the photographs not hold more?** Take 10,000 of the training images, a small convolutional network, and a few epochs. It finds edges and patches wherever they are.

# %% tags=["hide-input"]
# @title Table: softmax regression, the network, and the difference
from torch import nn

pool = train.subset(torch.arange(min(10_000, len(train))))
torch.manual_seed(seed)
first = nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
second = nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
network = nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(2_048, 10))
curved = trial(pool, validation, network, size=50, lr=0.02, momentum=0.9)
straight = trial(pool, validation, make_model(config).cpu())
ahead = paired_difference(straight, curved)
straight.double().mean().item(), curved.double().mean().item(), ahead[:3]

# %% [markdown]
# From the same images the network is right on about twenty in a hundred more than softmax regression. So the photographs hold far more than a weighted sum of pixels can use.
#
# ## Conclusion of the CIFAR-10 part
#
# * **The model reads colours at places.** It sees no edges, no parts, no things. So background counts about as much as what stands before it.
# * **Low accuracy is the method's, not the training's.** Seeds, the minimum of the loss and fewer classes all say so. None of that is a proof; [the claims](../claims/02_cifar10.ipynb) try harder.
# * **It is the pixels' as much as the line's.** A linear model on other features is still linear. [Better features](../beyond/01_better_features.ipynb) and [networks](../beyond/02_networks.ipynb) come next.

# %% tags=["remove-input"]
# @title Guards of the sentences above
from tutorial_utils.lessons.expect import expect

expect("four errors in five come back", stable, between=(0.75, 0.86))
expect("horse or frog", surest.predicted.isin([6, 7]).sum(), above=5)
expect("nearly half", len(candidates) / len(truth), between=(0.38, 0.5))
rates, as_is = effects.accuracy, effects.accuracy["as it is"]
expect("mirrored as good", abs(rates["mirrored"] - as_is), below=0.015)
expect("a quarter change", effects.iloc[1, 1], between=(0.7, 0.8))
expect("grey costs a large part", rates["grey"] / as_is, below=0.75)
expect("frame as middle", rates.iloc[4] / rates.iloc[3], between=(0.85, 1.15))
seen, other, most = sky.values()
expect("a sky bluer than that of airplanes", seen - most, above=0.01)
expect("other birds in brown or green", other, below=-0.01)
highest = [max(each) for each in subsets.values()]
expect("two are not told apart", highest[0], below=0.9)
expect("it falls", highest == sorted(highest, reverse=True), equals=True)
expect("about a percentage point", lead.estimate, between=(0.004, 0.014))
expect("more than nothing", lead.low, above=0)
drop = max(minima[0.0][2]) - minima[0.0][2][-1]
expect("its accuracy drops", drop, above=0.01)
expect("about twenty in a hundred more", ahead.estimate, between=(0.16, 0.26))

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# A negative replaces each pixel $x$ by $1 - x$. With $z = Wx + b$, its scores are $(W\mathbf 1 + 2b) - z$. Suppose that the bracket is the same for all classes, and that $z = (2, 0, -1)$. Which
# class, 0, 1 or 2, is the answer for the negative?

# %%
from tutorial_utils.lessons import checks

your_class = ...
checks.answer(your_class, 2, tolerance=0.1, hint="all signs turn round")

# %% tags=["hide-cell"]
# @title Solution
# Signs turn round, so the class that was least probable becomes the first.
torch.tensor([2, 0, -1]).neg().argmax().item()

# %% [markdown]
# ### Exercise 2 ★★ Predict, then run
#
# In which share of the test images is the model right about their negatives? Say first whether that is above or below one in ten, and why.

# %%
your_share = ...
right = (predict(model, 1 - inputs).labels == truth).double().mean()
checks.answer(your_share, right, tolerance=0.01, hint="see exercise 1")

# %% tags=["hide-cell"]
# @title Solution
# Far below guessing: what spoke for the class now speaks against it. You read
# negatives with ease, because you go by edges.
right

# %% [markdown]
# ### Exercise 3 ★★★ Do errors go with image quality?
#
# [As for the digits](../mnist/05_error_analysis.ipynb#Image-quality): sort the images by a quantity, cut them into five groups of equal size, and return the share of errors in each, shape (5,). Then ask it about
# the four qualities of the test images: brightness, contrast, sharpness, noise. The starter does not sort.


# %%
def your_rates(is_wrong, quantity):
    groups = torch.arange(len(quantity)).tensor_split(5)
    return torch.stack([is_wrong[each].double().mean() for each in groups])


# %%
from tutorial_utils.data.exploration import quality
from tutorial_utils.evaluation.metrics import rate_by_quantile

cases = [(own != truth, x) for x in quality(data.test.images).values()]
checks.function(your_rates, lambda w, x: rate_by_quantile(w, x).rates, cases)


# %% tags=["hide-cell"]
# @title Solution
# Brightness matters most, by some points: a bright photograph is often one of
# sky or snow. All of it is small beside how often the model is wrong at all.
def my_rates(is_wrong, quantity):
    groups = quantity.argsort(stable=True).tensor_split(5)
    return torch.stack([is_wrong[each].double().mean() for each in groups])


pd.DataFrame(torch.stack([my_rates(*case) for case in cases])).round(3)

# %% [markdown]
# > **A project for this part.** Choose a pair of classes. Say what the model goes by when it confuses them, change that alone in the validation images, and ask again. Confirm on test images, once.
#
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
from tutorial_utils.lessons.questions import ask, choice, number

ask(
    [
        choice(
            "Confident learning lists nearly half of all labels. Why?",
            {
                "half of the labels are wrong": "People found far fewer.",
                "it trusts a model that is mostly wrong": "",
                "there are too few images": "More of them change nothing.",
            },
            correct="it trusts a model that is mostly wrong",
            because="what it calls doubtful is mostly the model's own error.",
        ),
        choice(
            "Mirroring leaves the accuracy as it is. What does it leave?",
            {
                "all answers": "A good part of them change.",
                "how often it is right, not about which images": "",
                "the templates alone": "Those it leaves in any case.",
            },
            correct="how often it is right, not about which images",
            because="it loses some images and gains as many.",
        ),
        number(
            "To the nearest point: how much accuracy, in points, does the loss"
            " of colour cost?",
            answer=100 * (as_is - rates["grey"]),
            tolerance=0.6,
            unit="points",
            form=".0f",
            because="it goes by colours at places.",
        ),
        choice(
            "Two of 3,072 numbers overlap for two classes. So",
            {
                "no plane can part the classes": "All together might do it.",
                "nothing follows for all of them": "",
                "the classes are equal": "Two numbers do not say that.",
            },
            correct="nothing follows for all of them",
            because="in many dimensions, points are easily parted.",
            sure=True,
        ),
        choice(
            "You have reached the minimum of the training loss. Is that the"
            " best accuracy a linear model can have on new images?",
            {
                "yes, the loss is convex": "Convex, but another quantity.",
                "no, it is the minimum of something else": "",
            },
            correct="no, it is the minimum of something else",
            because="the search without a penalty passed a better point.",
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Dhalla (2020)](https://medium.com/ai-in-plain-english/complete-guide-image-classification-on-cifar-10-chapter-i-multiclass-logistic-regression-525daee0775b) for the argument that this chapter follows up.
# * [Northcutt, Athalye and Mueller (2021)](https://arxiv.org/abs/2103.14749) on wrong labels in this and other test sets.

# %% tags=["remove-cell"]
# @title The results file
metrics = {
    "n_errors": len(errors["test"]),
    "stable_error_share": stable,
    "penalised_minimum": {"penalty": best, "lead": lead._asdict()},
    "network_lead": ahead._asdict(),
}
path = results.write(
    "cifar10/05_error_analysis",
    parameters=config.model_dump() | {"num_seeds": num_seeds},
    metrics=metrics,
    data_hash=data.fingerprint,
)
