# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Evaluation on CIFAR-10
#
# Your model has learnt from photographs, and the test set is still closed. How many of ten thousand new photographs does it
# recognise, and is a model that is mostly wrong good for anything?
#
# *17 minutes to read, 35 with the exercises. **You need** [Training](03_training.ipynb), and from MNIST
# [Evaluation](../mnist/04_evaluation.ipynb) and [Probabilities](../mnist/04b_probabilities.ipynb). Next comes
# [Error analysis](05_error_analysis.ipynb).*
#
# **New against MNIST**, and after this chapter you can
#
# * tell what a model has learnt from what it remembers;
# * find out whether test images are independent, and whether they are new;
# * give a model a second guess, and read a confusion matrix in groups of classes;
# * judge confidence where most answers are wrong.

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
batch_size: int = 100  # images per update, 1 to 40,000
learning_rate: float = 0.009  # step length of the first epoch, above 0
num_seeds: int = 10  # trainings that differ by chance alone, 2 or more

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
import torch

from tutorial_utils.plots.style import use_book_style
from tutorial_utils.training.config import HEADLINE

config = HEADLINE["cifar10"].but(dataset=dataset, seed=seed, device=device)
config = config.but(num_epochs=num_epochs, early_stopping_patience=num_epochs)
config = config.but(batch_size=batch_size, learning_rate=learning_rate)
use_book_style()

# %% [markdown]
# ## The test set, opened once
#
# Every choice was made on validation images, so the test set may be opened. Put it beside the other two.

# %%
import pandas as pd

from tutorial_utils.data import datasets, exploration
from tutorial_utils.evaluation import metrics
from tutorial_utils.evaluation.predictions import predict
from tutorial_utils.report import results
from tutorial_utils.training.trainer import load_or_fit

data, folder = datasets.load(dataset), results.output_folder()
model, _ = load_or_fit(config, data, folder)
train, validation = datasets.split(data.train, config.validation_split, seed)
parts = {"training": train, "validation": validation, "test": data.test}
said, found = {}, {}
for name, part in parts.items():
    said[name] = predict(model, datasets.standardise(part))
    found[name] = metrics.evaluate(part.labels, said[name])
rows = {k: (each.n, each.accuracy, each.loss) for k, each in found.items()}
pd.DataFrame(rows, ["images", "accuracy", "loss"]).T.round(4)

# %% [markdown]
# Four photographs in ten, where guessing gets one. [Training](03_training.ipynb#Is-training-the-limit,-or-the-model?) called that underfitting: even its own training images are mostly too much for it. Yet it does better on those by a few percentage points, the **generalisation gap**. So
# some of the little that it learnt is true of those images alone. Both can be so at once. Validation images chose an epoch, and no weights, so they agree with the test images.
#
# (The tutorial that this part re-examines stops before its test set is opened; see [its claims, measured](../claims/02_cifar10.ipynb).)

# %% tags=["hide-input"]
# @title Figure: fifteen test images, drawn at random
from tutorial_utils.lessons.show import show
from tutorial_utils.plots import evaluation as plots
from tutorial_utils.reproducibility import make_generator

names, truth = data.description.class_names, data.test.labels
test = said["test"]
draw = make_generator(seed, "prediction grid")
chosen = torch.randperm(len(truth), generator=draw)[:15]
pictures = data.test.images[chosen].permute(0, 2, 3, 1)
both = [[names[k] for k in each[chosen]] for each in (truth, test.labels)]
show(
    plots.prediction_grid(pictures, *both, test.confidence[chosen].tolist()),
    caption="Fifteen random test images: answer, its probability, truth.",
    alt="Three rows of five small colour photographs, each under its answer;"
    " more than half carry a cross and a thick dashed frame.",
)

# %% [markdown]
# ## Do neighbours go together here?
#
# On MNIST one hand wrote many digits, they stand together, and so [the honest interval](../mnist/04_evaluation.ipynb#Neighbours-go-together) was twice as wide as Wilson's. **Predict first:** these photographs
# were taken by thousands of strangers. What will the design effect be?

# %%
from tutorial_utils.evaluation.dependence import block_interval

hits = test.labels == truth
by_blocks = block_interval(hits, length=100)
round(by_blocks.within_blocks, 2)

# %% [markdown]
# About 1: neighbours are strangers, blocks vary as chance lets them, and Wilson's interval is honest. Check such a thing, do not assume it. Now train with other seeds, too,
# [as on MNIST](../mnist/04c_comparing_models.ipynb).

# %%
from tutorial_utils.evaluation import statistics
from tutorial_utils.training import replicas

inputs = datasets.standardise(data.test)
seeds = [config.but(seed=each) for each in range(num_seeds)]
runs = replicas.load_or_train(seeds, data, folder)
runs = [predict(run.model, inputs).labels == truth for run in runs]
over_seeds = torch.stack(runs).double().mean(dim=1)

rows = {"other images, by Wilson": found["test"].accuracy_interval}
rows["other images, by blocks"] = by_blocks[1:3]
rows["mean of the seeds"] = statistics.mean_interval(over_seeds.tolist())
intervals = pd.DataFrame(rows, ["low", "high"]).T
intervals.assign(width=intervals.high - intervals.low).round(4)

# %% [markdown]
# Other images would move the accuracy by about a percentage point to each side. The last row is about something else, the mean over seeds, and is narrow because ten of them are averaged. A single seed strays further than that, and still less than other images would take it.
#
# ## Compared with what?
#
# Every class has a thousand test images, so any fixed answer is right once in ten. The **nearest centroid** says the class whose average image is closest. On MNIST that read four digits in five.

# %%
centroids = exploration.class_means(train).flatten(1).float()
nearest = torch.cdist(inputs.flatten(1), centroids).argmin(dim=1)
rules = {"this model": hits, "nearest centroid": nearest == truth}
baselines = {k: block_interval(each)[:3] for k, each in rules.items()}
pd.DataFrame(baselines, ["accuracy", "low", "high"]).T.round(4)

# %% [markdown]
# Here it recognises little more than one in four: [average photographs](01_eda.ipynb) are blurs. Training adds half as much again.
#
# ## A second guess

# %% tags=["remove-input"]
# @title Predict
from tutorial_utils.lessons import questions

ranking = test.probabilities.argsort(dim=1, descending=True)
top_two = 100 * (ranking[:, :2] == truth[:, None]).any(dim=1).double().mean()
options = [45, 60, 75, 90]
questions.ask(
    [
        questions.predict(
            "Let the model name two classes. In about how many per cent of the"
            " test images is the true one among them?",
            options,
            correct=min(options, key=lambda each: abs(each - top_two)),
            because=f"it is {top_two:.0f} %.",
            sure=True,
        )
    ]
)

# %% [markdown]
# A model that is often wrong may be nearly right. Sort the classes by probability, and ask how often the true one is among the first $k$: **top-k accuracy**.

# %%
ranking = test.probabilities.argsort(dim=1, descending=True)
is_true = ranking == truth[:, None]  # (images, places)
top_k = is_true.double().cumsum(dim=1).mean(dim=0)

# %% tags=["hide-input"]
# @title Figure: the true class among the first k
from tutorial_utils.plots.training import compare_curves

k = torch.arange(1, 11)
curves = {"this model": (k, 100 * top_k), "guessing": (k, 10 * k)}
labels = {"xlabel": "classes named, k", "ylabel": "top-k accuracy, per cent"}
ax = compare_curves(curves, marked=True, ylim=(0, 103), **labels)
show(
    ax,
    caption="How often the true class is among the k most probable.",
    alt="Two rising curves that meet at ten. The model's starts near 40 per"
    " cent, passes 59 with two and 90 with six; guessing is a straight line.",
)

# %% [markdown]
# With two guesses it is right more often than wrong. To be right nine times in ten it must name six of ten classes. Where there are a thousand classes, results are often given as top-5 accuracy; with ten, five guesses are half of all there is, so
# always put guessing beside it.
#
# ## Which things are taken for which?
#
# Four classes are vehicles, six are animals. Put each kind together, and the confusion matrix falls into four blocks.

# %%
import numpy as np

vehicles = "airplane", "automobile", "ship", "truck"
order = [names.index(name) for name in vehicles]
order += [k for k in range(10) if k not in order]
sorted_names = [names[k] for k in order]
matrix = found["test"].confusion_matrix[np.ix_(order, order)]

# %% tags=["hide-input"]
# @title Figure: the confusion matrix, vehicles first
ax = plots.confusion_matrix(matrix, sorted_names)
ax.axhline(4, color="black", linewidth=1.5)
ax.axvline(4, color="black", linewidth=1.5)
ax.set_xticklabels(sorted_names, rotation=45, ha="right")
show(
    ax,
    caption="Confusion matrix of the test images. Lines part vehicles, first,"
    " from animals; what is right stands on the diagonal, in bold.",
    alt="A ten by ten grid of counts. The block of vehicles and that of animals"
    " are dark; outside them bird taken for airplane is darkest.",
)

# %%
mistakes = matrix - np.diag(matrix.diagonal())
vehicle = np.arange(10) < 4
same_kind = vehicle[:, None] == vehicle
within = mistakes[same_kind].sum() / mistakes.sum()
others = np.where(vehicle, 3, 5) / 9  # of nine wrong classes, the same kind
evenly = (mistakes.sum(axis=1) * others).sum() / mistakes.sum()
kind_right = matrix[same_kind].sum() / matrix.sum()
within.item(), evenly.item(), kind_right.item()

# %% [markdown]
# Seven mistakes in ten stay among vehicles or among animals. Were they spread evenly over the nine wrong classes, it would be about half. Asked only "animal or vehicle?", the model is right four times in five, where always
# saying animal scores 60 %. So it has learnt something about kinds, though nobody told it that there are any.
#
# The most common mistakes are those that you would make on a bad screen: cat taken for dog, ship for airplane, automobile for truck. Now look for what crosses the lines. Nothing does as often as *bird taken for airplane*. What do
# those have in common? Not their shape, perhaps: the sky. [The next chapter](05_error_analysis.ipynb#What-does-it-go-by?) tests that.
#
# ## Class by class
#
# Measures that you know, in one table. `said` is how often the model names a class, as a multiple of how often it occurs.

# %% tags=["hide-input"]
# @title Table: ten classes
test_found = found["test"]
report = metrics.per_class_report(test_found, names)
counts = test_found.confusion_matrix
by_class = report[["recall", "precision", "f1"]].copy()
by_class["said"] = counts.sum(axis=0) / test_found.support
by_class["one-vs-rest"] = metrics.one_vs_rest_accuracy(counts)
curves = metrics.precision_recall_curves(truth, test)
by_class["AP"] = [curve.area for curve in curves]
by_class.loc[sorted_names].round(2)

# %% [markdown]
# The model has favourites. It says *airplane* most often, so it finds many of them, and is often wrong when it says so. *Deer* it hardly dares to say. Birds and deer are found least often.
#
# Then a column that flatters. **One-vs-rest accuracy** looks high, and for every class it is *worse* than never saying it, which scores 90 %. (Where 0.90 stands it was rounded up.) Average precision, **AP**, is not flattered: no class is picked out well. (Knowing nothing scores 0.1.)
#
# ## When it says 60 %
#
# [On MNIST](../mnist/04b_probabilities.ipynb) confidence kept what it claimed. May a model that is mostly wrong still mean what it says?

# %% tags=["hide-input"]
# @title Figure: claimed and kept
from tutorial_utils.evaluation import calibration

show(
    plots.reliability_diagram(calibration.reliability(truth, test)),
    caption="Above the dotted diagonal it claims too little. 95 % intervals;"
    " below, the number of images in each bin.",
    alt="Points rise along the diagonal, a little above it from 0.25 to 0.6,"
    " and fall below it at the end, beyond 0.85, where intervals are long.",
)

# %% tags=["hide-input"]
# @title Table: calibration error, before and after a temperature
from tutorial_utils.evaluation import abstaining, miscalibration

kept = validation.labels, said["validation"]
heat = miscalibration.temperature_test(*kept)
tempered = calibration.with_temperature(test, heat.temperature)
ece = calibration.expected_calibration_error
gaps = {"before": ece(truth, test), "after": ece(truth, tempered)}
chance = calibration.ece_if_calibrated(test, 15, seed=seed)
gaps["by chance, at most"] = chance.high
pd.DataFrame(gaps, ["calibration error"]).round(4)

# %% [markdown]
# Confidence is nearly right, but not quite, and the error is more than chance explains. Most answers have a middling confidence, and there the model claims a little too *little*. The few that it is surest of claim too *much*. A temperature, the usual cure, divides all scores by one number. It can mend
# one end at the other's expense: the one fitted on validation images may as well be 1, and makes the error larger.
#
# Can it then say when to trust it? Let it [abstain, or name a set of classes](../mnist/04b_probabilities.ipynb#May-it-abstain?):

# %%
answering = abstaining.risk_coverage(truth, test)
tenths = pd.Series(answering.accuracy, answering.coverage.round(2))
shown = tenths.loc[[0.1, 0.5, 1.0]].to_list()
pd.Series(shown, ["surest tenth", "surest half", "all"]).round(3)

# %% [markdown]
# Confidence knows a good deal of right and wrong. Even so, among the surest tenth one answer in four is wrong.

# %%
sets = abstaining.conformal_report(*kept, truth, test, errors=[0.1])
sets[["coverage", "size"]].rename_axis("asked for").round(2)

# %% [markdown]
# The sets keep their promise to hold the truth nine times in ten, but with five classes on average. The promise needs no good model. What a poor one costs is their size.
#
# ## Are the test images new?
#
# No test image is also a training image, pixel by pixel. But the web is full of copies: cropped, recompressed, in another colour. Shrink each photograph to 8 x 8, subtract its mean, and look for the training
# image with the highest correlation.

# %%
import torch.nn.functional as F


def shrunk(images):
    small = F.avg_pool2d(images.float(), 4).flatten(1)
    return F.normalize(small - small.mean(dim=1, keepdim=True))


learnt = torch.cat([shrunk(part) for part in train.images.split(5_000)])
parts_of_test = data.test.images.split(500)
closest = [(shrunk(x) @ learnt.T).max(dim=1) for x in parts_of_test]
likeness = torch.cat([each.values for each in closest])
nearest = torch.cat([each.indices for each in closest])
twins = likeness > 0.98
int(twins.sum()), hits[twins].double().mean().item()

# %% tags=["hide-input"]
# @title Figure: test images and their nearest training images
from tutorial_utils.plots.data import image_grid

best = likeness.topk(40).indices[::8]
both = torch.cat([data.test.images[best], train.images[nearest[best]]])
pairs = zip(truth[best], likeness[best], strict=True)
titles = [f"{names[k]}\n{r:.3f}" for k, r in pairs]
show(
    image_grid(both.permute(0, 2, 3, 1), titles + [""] * 5),
    caption="Above, test images with class and correlation; below, the training"
    " image that is most like each. Five of the forty most alike pairs.",
    alt="Two rows of five photographs. Each pair shows the same thing in the"
    " same pose before the same background.",
)

# %% [markdown]
# Twins, and the pixels find only the plainest: people who looked with better tools count a near duplicate for 3.3 % of the test images ([Barz and Denzler, 2020](https://doi.org/10.3390/jimaging6060041)). A model that remembers answers those by heart, and its test accuracy is too
# good. Yours remembers little: even on its own training images it is wrong more often than right. Among its twins it is right about as often as elsewhere, as far as so few can tell.
#
# ## What these numbers do not say
#
# * **Wrong labels.** At least 54 of the 10,000 test labels are wrong ([Northcutt et al., 2021](https://arxiv.org/abs/2103.14749)). That matters to models that are nearly perfect.
# * **New photographs.** On a freshly collected test set accuracies fell by several points, and the order of models held ([Recht et al., 2018](https://arxiv.org/abs/1806.00451)). No interval here covers that.
#
# So is it good for anything? It tells kinds, it has a good second guess, and it knows somewhat when to keep silent. Why it is wrong on most photographs, and whether any linear model must be, comes next.

# %% tags=["remove-input"]
# @title Guards of the sentences above
from tutorial_utils.lessons.expect import expect

right = {name: each.accuracy for name, each in found.items()}
expect("four photographs in ten", right["test"], between=(0.37, 0.44))
ahead = {name: each - right["test"] for name, each in right.items()}
expect("better on training images", ahead["training"], between=(0.02, 0.06))
expect("validation and test agree", abs(ahead["validation"]), below=0.014)
expect("a design effect of 1", by_blocks.within_blocks, between=(0.75, 1.3))
_, by_block, _ = intervals.high - intervals.low
expect("a point to each side", by_block / 2, between=(0.007, 0.013))
expect("a seed strays less", 4 * over_seeds.std() / by_block, below=0.75)
of_centroid = baselines["nearest centroid"][0]
expect("one in four", of_centroid, between=(0.25, 0.3))
expect("half as much again", right["test"] / of_centroid, between=(1.35, 1.6))
expect("two guesses: right more often", top_k[1], above=0.55)
expect("six classes for nine in ten", (top_k < 0.9).sum() + 1, equals=6)
expect("seven mistakes in ten stay", within, between=(0.65, 0.75))
expect("about half if spread evenly", evenly, between=(0.45, 0.55))
expect("the right kind: four in five", kind_right, between=(0.78, 0.86))
three = mistakes[[5, 2, 1], [7, 0, 3]].min()  # cat as dog, and so on
expect("the most common mistakes", three, above=166)
crossing = np.where(same_kind, 0, mistakes)
worst = np.unravel_index(crossing.argmax(), crossing.shape)
expect("bird as airplane crosses most", worst, equals=[4, 0])
ends = [by_class.said.idxmax(), by_class.said.idxmin()]
expect("airplane most, deer least", ends, equals=["airplane", "deer"])
rarest = by_class.recall.nsmallest(2)
expect("hardest", sorted(rarest.index), equals=["bird", "deer"])
flattering = by_class["one-vs-rest"].max()
expect("worse than never saying it", flattering, below=0.9)
expect("no class is picked out well", by_class.AP.max(), below=0.6)
short = hits.double() - test.confidence
top = test.confidence > 0.85
expect("the surest claim too much", short[top].mean(), below=-0.02)
expect("the others claim too little", short[~top].mean(), above=0.01)
expect("more than chance", gaps["before"], above=1.2 * chance.high)
expect("a temperature that may be 1", heat.low, below=1)
expect("a larger error", gaps["after"], above=gaps["before"])
expect("one in four is wrong", shown[0], between=(0.69, 0.79))
expect("five classes", sets["size"].item(), between=(4.6, 5.8))
of_twins = hits[twins].double().mean() - right["test"]
expect("right about as often among twins", abs(of_twins), below=0.15)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# Someone mends the 54 wrong labels. By how many percentage points can the accuracy rise at most? Compare that with the interval.

# %%
from tutorial_utils.lessons import checks

your_points = ...
hint = "at most, 54 of 10,000 answers turn from wrong to right"
checks.answer(your_points, 0.54, tolerance=0.005, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# Half of what the interval reaches to each side: nothing that you could tell
# from another draw of test images.
100 * 54 / 10_000

# %% [markdown]
# ### Exercise 2 ★★ Predict, then run
#
# Count cat and dog as one class, and automobile and truck as another. First say what the accuracy will be, then compute it. A class is renamed by
# `merged[names.index("dog")] = names.index("cat")`, and `merged[truth]` are the new labels.

# %% tags=["remove-cell"]
# @title What the check of exercise 2 compares with
pairs = matrix[[5, 7, 1, 3], [7, 5, 3, 1]].sum()
merged_right = (matrix.trace() + pairs) / matrix.sum()

# %%
merged = torch.arange(len(names))
your_accuracy = ...
hint = "rename the classes in the truth and in what was said"
checks.answer(your_accuracy, merged_right, tolerance=0.001, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# Two pairs of 45, and a good part of all mistakes.
merged[names.index("dog")] = names.index("cat")
merged[names.index("truck")] = names.index("automobile")
(merged[truth] == merged[test.labels]).double().mean()

# %% [markdown]
# ### Exercise 3 ★★★ Top-k without sorting
#
# The true class is among the first $k$ if fewer than $k$ classes have a higher probability. Write `your_top_k` by that, for probabilities of shape (n, classes) and labels of shape (n,). The starter returns
# top-1 accuracy.


# %%
def your_top_k(probabilities, labels, k):
    return (probabilities.argmax(dim=1) == labels).double().mean()


# %%
cases = [(test.probabilities, truth, k) for k in (1, 3, 9)]
checks.function(your_top_k, lambda p, y, k: top_k[k - 1], cases)


# %% tags=["hide-cell"]
# @title Solution
# gather picks the probability of the true class from each row.
def my_top_k(probabilities, labels, k):
    of_true = probabilities.gather(1, labels[:, None])
    higher = (probabilities > of_true).sum(dim=1)
    return (higher < k).double().mean()


checks.function(my_top_k, lambda p, y, k: top_k[k - 1], cases)

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
questions.ask(
    [
        questions.choice(
            "It is right more often on training images than on test images."
            " What does that say?",
            {
                "the test images are harder": "They are of the same kind.",
                "part of what it learnt is true of training images alone": "",
                "it was trained too short": "Longer training widens the gap.",
            },
            correct="part of what it learnt is true of training images alone",
            because="that opens the generalisation gap.",
        ),
        questions.choice(
            "When may you quote Wilson's interval?",
            {
                "when there are 10,000 images": "So there were on MNIST.",
                "when images go together no more than by chance": "",
                "when the accuracy is high": "It holds at any accuracy.",
            },
            correct="when images go together no more than by chance",
            because="it takes them as independent draws.",
        ),
        questions.number(
            "Ten classes, three guesses, no idea: how often is the true class"
            " among them, in per cent?",
            answer=30,
            tolerance=0.5,
            unit="%",
            because="each class is as good as any other.",
        ),
        questions.choice(
            "A class is named half again as often as it occurs. Compared with"
            " a model that names it as often as it occurs,",
            {
                "recall gains, precision loses": "",
                "both gain": "Of what is called so, more is something else.",
                "both lose": "More of the class is found.",
            },
            correct="recall gains, precision loses",
            because="the net is wider: more of the class, and more else.",
        ),
        questions.choice(
            "A network is right on all test images with twins in its training"
            " set. What do you ask?",
            {
                "how it does on the others": "",
                "how sure it is": "It may be sure because it remembers.",
                "nothing": "It may know them by heart.",
            },
            correct="how it does on the others",
            because="only those are new to it.",
            sure=True,
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Barz and Denzler (2020)](https://doi.org/10.3390/jimaging6060041) offer a test set without twins.
# * [Recht et al. (2018)](https://arxiv.org/abs/1806.00451) collected a new one.
#
# Next: [Error analysis](05_error_analysis.ipynb). Why is it wrong, and must it be?

# %% tags=["remove-cell"]
# @title The results file
metrics_of_page = {
    **test_found.metrics(),
    "test_accuracy_low": by_blocks.low,  # in place of Wilson's
    "test_accuracy_high": by_blocks.high,
    "design_effect": by_blocks.within_blocks,
    "accuracy_over_seeds": over_seeds.tolist(),
    "accuracy_seed_mean": over_seeds.mean(),
    "accuracy_seed_deviation": over_seeds.std(),
    "top_k_accuracy": top_k,
    "animal_or_vehicle_accuracy": kind_right,
}
path = results.write(
    "cifar10/04_evaluation",
    parameters={**config.model_dump(), "num_seeds": num_seeds},
    metrics=metrics_of_page,
    data_hash=data.fingerprint,
)
