# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Claims about CIFAR-10, measured
#
# The tutorial on CIFAR-10 {cite}`dhalla2020` makes claims about models before training, about softmax, batches and learning rates, and about what a linear model can reach. This chapter takes fifteen of them, one section each. It says what would support the claim, then measures, and lets the numbers decide.
#
# **After this chapter you can**
#
# * turn a sentence such as "mini-batches are quicker" into a measurement and a rule, before you see the result;
# * choose an interval that fits the question: over images, over seeds or over batches;
# * pick the best of a grid without fooling yourself;
# * tell a claim that fails from one that no experiment can decide.
#
# **You need** [training on CIFAR-10](../cifar10/03_training), and [the evaluation of MNIST](../mnist/04_evaluation), where intervals are built by hand. How a rule becomes a verdict is said in {ref}`claims-verdicts`.

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
initialisation: str = "default"  # initial weights, "xavier_uniform" or "default"
num_epochs: int = 60  # passes over the training images, 1 or more
batch_size: int = 100  # images per update, 1 to 40,000
learning_rate: float = 0.009  # step length of the first epoch, above 0
momentum: float = 0.0  # share of the last step kept in the next, 0 to below 1
weight_decay: float = 0.0  # strength of the L2 penalty, 0 or more
learning_rate_decay: float = 1.0  # factor on the rate at each decay, above 0 to 1
learning_rate_step: int = 10  # epochs between two decays, 1 or more
validation_split: float = 0.2  # share of images held out, between 0 and 1
early_stopping_patience: int = 60  # epochs without improvement, 1 or more
divergence_bound: float = 1e4  # batch loss in nats that ends training, above 2.303
log_interval: int = 100  # batches between two updates of the progress bar, 1 or more
num_seeds: int = 10  # repeated runs, 2 or more

# %%
from tutorial_utils.training.config import TrainingConfig

config = TrainingConfig(
    dataset=dataset,
    seed=seed,
    device=device,
    initialisation=initialisation,
    num_epochs=num_epochs,
    batch_size=batch_size,
    learning_rate=learning_rate,
    momentum=momentum,
    weight_decay=weight_decay,
    learning_rate_decay=learning_rate_decay,
    learning_rate_step=learning_rate_step,
    validation_split=validation_split,
    early_stopping_patience=early_stopping_patience,
    divergence_bound=divergence_bound,
    log_interval=log_interval,
)

# %%
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.report.ledger import Ledger, Measurement

use_book_style()
ledger = Ledger()

# %% [markdown]
# (claims-cifar10-setup)=
# ## What all sections share
#
# Ten models, alike but for the seed. The seed fixes the split, the order of batches and the initial weights. They are those of the chapter on training, and are trained here if they are not found.

# %%
import torch

from tutorial_utils.data import datasets, exploration
from tutorial_utils.report import results, rules
from tutorial_utils.training import replicas
from tutorial_utils.training.batches import Batches, training_batches

folder = results.output_folder()
data = datasets.load(config.dataset)
class_names = data.description.class_names
ten = replicas.load_or_train(
    [config.but(seed=each) for each in range(num_seeds)], data, folder
)
test_images, truth = datasets.standardise(data.test), data.test.labels
train, validation = training_batches(data.train, config)
transform = train.transform
on_cpu = config.but(device="cpu")

# %% [markdown]
# The margin: two accuracies that differ by less than half a point count as equal here. Two models that answer the same images share most of what chance does to them, so their difference is known better than either accuracy. Where two settings are near each other, its interval reaches about as far as this margin, and a smaller one could not be told from nothing. It is one for the whole chapter, and stands with the rules, in one file of the package. The last section sets beside each rule the smallest effect that this chapter could have found.
#
# Three kinds of interval return in many sections, and each gets a helper.
#
# * **Over seeds**: Student's t interval of a mean over training runs. It answers how far the mean would move with other seeds. Runs that draw new splits from the same 50,000 images share most of their training images, and vary less than runs on fresh images would. Their interval is widened for it, after {cite:t}`nadeau2003`. See [](../mnist/04_evaluation).
# * **Over seeds and images at once**: every model answers every image, right or wrong, and the table has a row for each seed and a column for each image. The **crossed interval** adds what other seeds would change and what other images would change {cite}`cameron2011`. For two settings it is taken of the table of differences, so what the models share cancels.
# * **Over images**: {cite:t}`wilson1927` for a share. It assumes independent images, which blocks of neighbouring images show to be right on CIFAR-10, as they show it to be wrong on MNIST.
# %%
import numpy as np

from tutorial_utils.evaluation import dependence, statistics
from tutorial_utils.evaluation.medians import median_interval, sign_test
from tutorial_utils.evaluation.predictions import predict

split_anew = {  # for runs that draw validation and training images from the same ones
    "test_share": config.validation_split / (1 - config.validation_split),
    "how": "t interval, widened for shared images",
}


def over(values, of_what="seeds", test_share=0.0, how="t interval", **names):
    bounds = statistics.mean_interval(values, test_share=test_share)
    counts = {"n": len(values), "degrees_of_freedom": len(values) - 1}
    style = {"of_what": of_what, "how": how, "names": names}
    return Measurement(float(np.mean(values)), *bounds, **counts, **style)


def crossed(table, of_what="test images", **names):
    """Mean of a table with a row per seed and a column per image."""
    found = dependence.crossed_interval(table)
    style = {"how": f"crossed with {len(table)} seeds", "of_what": of_what}
    counts = {"n": table.shape[1], "degrees_of_freedom": found.degrees_of_freedom}
    return Measurement(
        found.mean, found.low, found.high, **counts, **style, names=names
    )


def share(count, n, of_what, **names):
    bounds, how = statistics.wilson_interval(count, n), "Wilson"
    return Measurement(count / n, *bounds, n=n, of_what=of_what, how=how, names=names)


# %%
def rights(models, images=test_images):
    """Which images each model reads rightly: a row per model, a column per image."""
    votes = [predict(each, images).labels == truth for each in models]
    return torch.stack(votes).double().numpy()


# %% [markdown]
# (claims-cifar10-untrained)=
# ## Before training
#
# Two hundred untrained models, alike but for the seed of their initial weights, answer for every validation image. They are stacked into one tensor, so that all answer in one product.

# %%
UNTRAINED = 200
stack = replicas.Stack([on_cpu.but(seed=each) for each in range(UNTRAINED)])
answers = torch.cat(
    [stack.logits(x.cpu().flatten(1)).argmax(dim=2) for x, _ in validation], dim=1
)
held_labels = validation.labels.cpu()
counts = torch.stack([row.bincount(minlength=len(class_names)) for row in answers])

# %% [markdown]
# (claim-24)=
# ### Claim 24: an untrained model favours truck
#
# The source sees one untrained model answer "truck" for most of a batch. That is two things: that a model favours *some* class, and that the class is truck. The [chapter on the model](../cifar10/02_model) explains the first.
#
# Truck would be favoured if it won at least twice as often as one class in ten. The share of seeds has a **Wilson interval** {cite}`wilson1927`: it is made for a count out of n independent draws, here seeds, and stays within 0 and 1. A class is favoured if in the median it gets more than twice an even share of the images. The interval of a median runs between two of the values themselves. How far from the middle they must lie, a binomial distribution tells, because each value falls below the true median with a probability of one half. The **sign test** goes with it. [The chapter on time](03_timing) needs both for races of seven rounds.

# %%
truck = class_names.index("truck")
winners = counts.argmax(dim=1)
wins = int((winners == truck).sum())
favourite_share = (counts.amax(dim=1) / len(held_labels)).numpy()
favoured = median_interval(favourite_share)
bound_24 = ledger.rulebook.parts["24b"].rule.bounds[0]

# %% tags=["hide-input"]
top_wins = winners.bincount(minlength=len(class_names))
most = int(top_wins.argmax())
ledger.record(
    24, a=share(wins, UNTRAINED, "seeds"),
    b=Measurement(favoured.median, favoured.low, favoured.high, n=UNTRAINED, of_what="seeds", confidence=favoured.confidence,
                  how=f"from rank {favoured.rank} to {UNTRAINED + 1 - favoured.rank}", exact_p=sign_test(favourite_share, bound_24)),
    remark=f"The class that wins most often here is {class_names[most]}, with {top_wins[most]} of {UNTRAINED} seeds."
    " The source saw one draw; which class wins is decided by the random weights.",
)  # fmt: skip

# %% [markdown]
# (claim-33)=
# ### Claim 33: untrained accuracy is about 10 %
#
# A model that has seen nothing can only guess, and one guess in ten is right. The claim is about the mean: between 9 % and 11 %. All models answer the same images, so the interval is a crossed one, over seeds and images. A single model can stray further, because it gives most images to one or two classes, so the spread is reported beside it.

# %%
guessed = (answers == held_labels).double().numpy()  # (seeds, images)
untrained_accuracy = guessed.mean(axis=1)
scatter_33 = statistics.spread(untrained_accuracy)

# %% tags=["hide-input"]
from tutorial_utils.report.narrate import enumerate_words, percent, say, table

ledger.record(
    33, a=crossed(guessed, "validation images"),
    remark=f"Single models lie between {percent(scatter_33.low, 1)} and {percent(scatter_33.high, 1)},"
    f" with a standard deviation of {100 * scatter_33.deviation:.1f} points.",
)  # fmt: skip

# %% [markdown]
# (claim-25)=
# ### Claim 25: initial train and validation losses are close
#
# Both parts are random samples of the same images, so an untrained model must lose as much on one as on the other, up to sampling. Each seed has its own split and its own weights, and nothing is trained, so the seeds share no training that would make them alike. "Close" is a mean distance below 0.02 nats, less than a hundredth of the loss of guessing, ln 10.

# %%
import torch.nn.functional as F

starts = replicas.Stack([on_cpu.but(seed=each) for each in range(num_seeds)])
losses = []
for images, labels in zip(
    data.train.images.split(2_000), data.train.labels.split(2_000), strict=True
):
    scores = starts.logits(transform(images).flatten(1)).flatten(0, 1)
    each_loss = F.cross_entropy(scores, labels.repeat(num_seeds), reduction="none")
    losses.append(each_loss.view(num_seeds, -1).double())
losses = torch.cat(losses, dim=1)
gaps = []
for each, row in enumerate(losses):
    kept, held = datasets.split_indices(len(row), config.validation_split, each)
    gaps.append((row[held].mean() - row[kept].mean()).item())

# %% tags=["hide-input"]
import math

largest = max(gaps, key=abs)
ledger.record(
    25, a=over(np.abs(gaps)),
    remark=f"The largest difference is {largest:+.4f}, at a mean loss of {losses.mean().item():.3f}"
    f" (guessing: {math.log(10):.3f}).",
)  # fmt: skip

# %% [markdown]
# (claims-cifar10-softmax)=
# ## Softmax and rounding
#
# These claims are about arithmetic. The scores are those of the ten models, untrained and trained, in float32, on all images.


# %%
from tutorial_utils.training.models import make_model


@torch.no_grad()
def scores_of(models):
    """Logits of all models for all images, shape (models, images, classes)."""
    models, parts = [model.cpu() for model in models], []
    for images in (data.train.images, data.test.images):
        for inputs in map(transform, images.split(5_000)):
            parts.append(torch.stack([model(inputs) for model in models]))
    return torch.cat(parts, dim=1)


logits = {
    "untrained": scores_of([make_model(run.config) for run in ten]),
    "trained": scores_of([run.model for run in ten]),
}

# %% [markdown]
# (claim-32)=
# ### Claim 32: softmax is unmoved by an added constant, plain division is not
#
# Softmax divides exponentials by their sum, so a constant added to all scores cancels. Dividing the scores themselves by their sum has no such property; see [](../foundations/01_softmax_and_cross_entropy). Each of four constants is added to the untrained logits. For softmax the *largest* change of any probability must stay below a millionth, a few times float32's rounding. For plain division the *median* image must change by more than 0.01, in the mean over the models: the largest would be no fair measure, since a sum near zero makes it as large as you like.

# %%
CONSTANTS = (-10.0, -1.0, 1.0, 10.0)


def largest_changes(share, scores):
    before = share(scores)
    changes = [(share(scores + c) - before).abs().amax(dim=-1) for c in CONSTANTS]
    return torch.stack(changes).amax(dim=0)


def divide(scores):
    return scores / scores.sum(dim=-1, keepdim=True)


of_softmax = largest_changes(lambda scores: scores.softmax(dim=-1), logits["untrained"])
of_division = largest_changes(divide, logits["untrained"]).median(dim=1).values

# %% tags=["hide-input"]
n = of_softmax.shape[1]
ledger.record(
    32, a=Measurement(of_softmax.max().item(), n=n, of_what="images"), b=over(of_division.tolist()),
    remark="What is left in softmax is rounding: a score plus ten keeps fewer decimals than the score alone.",
)  # fmt: skip

# %% [markdown]
# (claim-46)=
# ### Claim 46: logits and softmax have the same argmax
#
# The exponential keeps the order, so in exact arithmetic this is a theorem. In float32 two scores can be so close that their probabilities are rounded to the same number; `argmax` then takes the first. The share of images on which both agree, in every one of the ten models, must exceed 0.9999. Even without a single disagreement a Wilson interval needs about 40,000 images to stay above that, so all 60,000 are used.

# %%
agreement = {
    name: (z.argmax(dim=-1) == z.softmax(dim=-1).argmax(dim=-1)).all(dim=0).sum().item()
    for name, z in logits.items()
}

# %% tags=["hide-input"]
gaps_46 = torch.cat(
    [z.topk(2, dim=-1).values.diff(dim=-1).abs() for z in logits.values()]
)
ledger.record(
    46, a=share(agreement["untrained"], n, "images", runs=len(ten)), b=share(agreement["trained"], n, "images", runs=len(ten)),
    remark=f"Images with a disagreement: {n - agreement['untrained']} before and {n - agreement['trained']} after training."
    f" They would be ties that rounding makes; the two highest scores of an image come as close as {gaps_46.min().item():.1g}.",
)  # fmt: skip

# %% [markdown]
# (claim-47)=
# ### Claim 47: rounding makes row sums miss one by 8e-5
#
# The source prints a row of probabilities that sums to 0.99992282, and blames rounding. If rounding can do that, then among 50,000 training images some sum should miss one by more than 5e-5. All ten models are tried before and after training, with float32 throughout.

# %%
misses = {
    name: (z[:, : len(data.train)].softmax(dim=-1).sum(dim=-1) - 1).abs().max().item()
    for name, z in logits.items()
}
worst_sum = max(misses.values())

# %% tags=["hide-input"]
published_miss = 1 - 0.99992282
ledger.record(
    47, a=Measurement(worst_sum, n=len(data.train), of_what="training images"),
    remark=f"The published miss is {published_miss / worst_sum:,.0f} times the largest here. Exercise 1 asks what could be behind it.",
)  # fmt: skip

# %% [markdown]
# (claims-cifar10-averages)=
# ## Averages and what they hide
#
# (claim-31)=
# ### Claim 31: weighting by batch length avoids wrong averages when batches are uneven
#
# If the last batch is smaller, a plain mean of batch means gives its images too much weight. In the source, batches of 100 divide the validation images evenly, and its weighting changes nothing; as a habit it is right. The difference between the plain and the weighted mean is exact for given predictions. Weighting avoids something if the difference exceeds a millionth (0.0001 points), far more than the rounding of float64. The claim is about uneven batches, so it is judged with 300, which leaves a short last batch; 100 stands beside it.

# %%
SIZES_31 = (100, 300)
errors_31 = {size: [] for size in SIZES_31}
for replica in ten:
    _, held = datasets.split_indices(
        len(data.train), config.validation_split, replica.config.seed
    )
    part = data.train.subset(held)
    answers = predict(replica.model, datasets.standardise(part)).labels
    hits = (answers == part.labels).double()
    for size, errors in errors_31.items():
        plain = torch.stack([batch.mean() for batch in hits.split(size)]).mean()
        errors.append((plain - hits.mean()).abs().item())

# %% tags=["hide-input"]
even, uneven = (max(errors_31[size]) for size in SIZES_31)
ledger.record(
    31, a=Measurement(uneven, n=len(ten), of_what="models", names={"uneven": SIZES_31[1]}),
    remark=f"With batches of {SIZES_31[0]}, as in the source, the largest error is {100 * even:.4f} points.",
)  # fmt: skip

# %% [markdown]
# (claim-50)=
# ### Claim 50: accuracy misses small improvements that the loss sees
#
# The source's example: the probability of the true class rises from 0.1 to 0.2 while another class stays on top. By hand, the loss must fall and accuracy must not change.
#
# In training: ten initial weights take fifty small steps at rate 0.001 on the same batches, and all validation images are measured after each step. Among the steps after which the loss is lower, what share leaves accuracy no higher? Above a tenth counts as "misses". Each start gives one share, and the interval is over starts, because the steps of one run depend on one another. All starts see the same batches and the same validation images, so it says nothing about others.

# %%
by_hand = torch.tensor([[0.1, 0.5, 0.4], [0.2, 0.45, 0.35]])
right = by_hand.argmax(dim=1) == 0
fall = (by_hand[0, 0].log() - by_hand[1, 0].log()).abs().item()
gain = (right[1].double() - right[0].double()).item()

# %%
import itertools

walkers = replicas.Stack([on_cpu.but(seed=each) for each in range(num_seeds)])
held_inputs = transform(validation.images.cpu()).flatten(1)
path = []
endless = itertools.chain.from_iterable(itertools.repeat(train))
for images, labels in itertools.islice(endless, 50):
    inputs = images.cpu().flatten(1)
    _, _, error = replicas.measure_batch(walkers.logits(inputs), labels.cpu())
    walkers.update(inputs, error / len(labels), [0.001] * num_seeds)
    loss, hits, _ = replicas.measure_batch(walkers.logits(held_inputs), held_labels)
    path.append(torch.stack([loss, hits.double()]) / len(held_labels))
change = torch.stack(path).diff(dim=0)  # (steps - 1, loss and accuracy, starts)
better = change[:, 0] < 0
unseen = better & (change[:, 1] <= 0)
missed = (unseen.sum(dim=0) / better.sum(dim=0).clamp(min=1)).numpy()
del held_inputs

# %% tags=["hide-input"]
ledger.record(
    50, a=over(missed, "starts"),
    b=Measurement(fall, n=1, of_what="example"),
    c=Measurement(gain, n=1, of_what="example"),
    remark=f"Of {better.numel()} steps, {int(better.sum())} lowered the loss.",
)  # fmt: skip

# %% [markdown]
# (claims-cifar10-batches)=
# ## Batches
#
# (claim-49)=
# ### Claim 49: a mini-batch gradient approximates the full one
#
# The gradient of a batch estimates the gradient of all training images, and on average over batches it is right {cite}`bottou2018`. Whether *one* batch is a good approximation is a question of direction. The cosine of the angle between the two is 1 for the same direction and 0 for a right angle. The mean over all batches of one epoch must exceed 0.9, before training and at its end. Each of the ten models gives one mean, and the interval is over seeds. After training it is widened, because they were trained on shared images; before, nothing was trained.


# %%
@torch.no_grad()
def cosines(model, batches):
    model, gradients, sizes = model.cpu(), [], []
    for images, labels in batches:
        inputs = images.cpu().flatten(1)
        error = model(inputs).softmax(dim=1)
        error[torch.arange(len(labels)), labels.cpu()] -= 1  # p - y
        gradient = torch.cat([(error.T @ inputs).flatten(), error.sum(dim=0)])
        gradients.append(gradient / len(labels))
        sizes.append(len(labels))
    each, weights = torch.stack(gradients), torch.tensor(sizes).float()
    full = weights @ each / weights.sum()
    return F.cosine_similarity(each, full.unsqueeze(0)).numpy()


# %%
angles = {"before training": [], "after training": []}
for run in ten:
    own_train, _ = training_batches(data.train, run.config)
    angles["before training"].append(cosines(make_model(run.config), own_train))
    angles["after training"].append(cosines(run.model, own_train))
del own_train
mean_angles = {
    when: np.array([each.mean() for each in values]) for when, values in angles.items()
}

# %% mystnb={"figure": {"caption": "Cosine of the angle between the gradient of a batch and that of all training images, for the first hundred batches of an epoch of the first model; the bars are their means.", "name": "fig-claims-cifar10-cosines"}, "image": {"alt": "Two rows of marks on an axis of cosines, one row for the untrained and one for the trained model, each with a bar at its mean."}}
from tutorial_utils.plots.training import compare_curves, strips

ax = strips(
    {when: values[0][:100] for when, values in angles.items()},
    xlabel="cosine with the full gradient",
    shares=False,
)

# %% tags=["hide-input"]
ledger.record(
    49, a=over(mean_angles["before training"], size=config.batch_size),
    b=over(mean_angles["after training"], **split_anew, size=config.batch_size),
    remark="The full gradient is the mean of the batches' gradients, so on average nothing is amiss. Where the common part of the"
    " gradient shrinks as training goes on, what tells single images apart is left.",
)  # fmt: skip

# %% [markdown]
# (claim-29)=
# ### Claim 29: mini-batches are bumpier but far quicker than full batches
#
# Quicker is counted in passes over the images, not in seconds: how many until the validation loss is down to 2.0? Both ways may use their own best rate, the one of a grid that gets there first with the first seed. The images are 10,000 training images of each split, and 2,000 validation images, for time's sake. That favours the full batch: a pass with mini-batches has a step for every hundred images, a pass with the full batch always has one.
#
# Bumpy is the standard deviation of the change of the training loss from one step to the next, on the way to that level. Far quicker means a ratio of passes above 10, bumpier a ratio above 2. Both are means over five seeds, with t intervals that are widened for shared images. A run that does not reach the level has no number of passes: its seed is named and left out.

# %%
from tutorial_utils.reproducibility import make_generator

LEVEL, POOL, MOST_STEPS = 2.0, 10_000, 600


def descend(rates, size, each):
    """Rate that wins, its training loss of each step, passes to the level or None."""
    kept, held = datasets.split_indices(len(data.train), config.validation_split, each)
    pool, check = data.train.subset(kept[:POOL]), data.train.subset(held[:2_000])
    check_inputs = transform(check.images).flatten(1)
    stack = replicas.Stack([on_cpu.but(seed=each) for _ in rates])
    order = make_generator(each, "order") if size < len(pool) else None
    batches = Batches(transform(pool.images), pool.labels, size, order)
    path = []
    for images, labels in itertools.chain.from_iterable(itertools.repeat(batches)):
        loss, _, error = replicas.measure_batch(stack.logits(images.flatten(1)), labels)
        stack.update(images.flatten(1), error / len(labels), list(rates))
        path.append(loss / len(labels))
        now, _, _ = replicas.measure_batch(stack.logits(check_inputs), check.labels)
        now = now.nan_to_num(math.inf)  # a rate that broke down is never the first
        arrived = bool(now.min() <= LEVEL * len(check))
        if arrived or len(path) == MOST_STEPS:
            best = int(now.argmin())
            passes = len(path) * size / POOL if arrived else None
            return rates[best], torch.stack(path)[:, best], passes


# %%
GRID_29, SEEDS_29 = (0.003, 0.006, 0.012, 0.024, 0.036, 0.048), min(5, num_seeds)
runs_29 = {}
for name, size in {"mini-batches": 100, "full batch": POOL}.items():
    rate, *first_run = descend(GRID_29, size, 0)
    others = [descend((rate,), size, each)[1:] for each in range(1, SEEDS_29)]
    runs_29[name] = (rate, [tuple(first_run), *others])
late_29 = [
    f"seed {each}, {name}"
    for name, (_, runs) in runs_29.items()
    for each, (_, passes) in enumerate(runs)
    if passes is None
]
both = list(zip(*(runs for _, runs in runs_29.values()), strict=True))
arrived = [pair for pair in both if all(passes is not None for _, passes in pair)]
speed_ratio = [slow / quick for (_, quick), (_, slow) in arrived]
bump_ratio = [
    (rough.diff().std() / smooth.diff().std()).item()
    for (rough, _), (smooth, _) in arrived
]

# %% mystnb={"figure": {"caption": "Training loss of each step until the validation loss reaches the level, with mini-batches of 100 and with the full batch, first seed.", "name": "fig-claims-cifar10-descent"}, "image": {"alt": "Two curves of training loss against passes over the images on a logarithmic axis: a jagged one for mini-batches that begins and ends further left, and another for the full batch."}}
ax = compare_curves(
    {
        f"{name}, rate {rate:g}": (
            np.arange(1, len(runs[0][0]) + 1) * size / POOL,
            runs[0][0],
        )
        for (name, (rate, runs)), size in zip(runs_29.items(), (100, POOL), strict=True)
    },
    xlabel="passes over the images",
    ylabel="training loss of the step (nats)",
    xscale="log",
)

# %% tags=["hide-input"]
say(
    *(
        f"Not at the level after {MOST_STEPS} steps, so left out: {line}."
        for line in late_29
    )
)
ledger.record(
    29, a=over(speed_ratio, **split_anew, level=LEVEL), b=over(bump_ratio, **split_anew),
    remark="Best rates: " + enumerate_words(f"{rate:g} ({name})" for name, (rate, _) in runs_29.items())
    + f", of a grid from {GRID_29[0]:g} to {GRID_29[-1]:g}. The ratio of passes grows with the number of images; here they are {POOL:,}.",
)  # fmt: skip

# %% [markdown]
# (claim-30)=
# ### Claim 30: 50 to 256 is the usual batch size
#
# What is usual is custom, and no experiment on these images can decide it. The source says no more than that: neither that sizes inside the range are alike, nor that others are worse. So there is no rule here. But you may ask whether the size matters *here*, and that can be measured.
#
# Five batch sizes, each with a grid of four rates and a few epochs. All make the same number of passes, which is the cost; so larger batches take fewer steps, and the question is how far each size gets for the same cost, not where it would end. The rate is chosen by validation accuracy with the first seed; two more seeds are trained with that rate. The weights are those of the epoch with the lowest validation loss.
#
# Which size is best and worst is decided on validation images. The differences are measured on test images, with crossed intervals over seeds and images.

# %%
SHORT = config.but(num_epochs=min(6, config.num_epochs))
SIZES, RATES_30 = (25, 50, 100, 256, 1024), (0.001, 0.003, 0.009, 0.027)


def kept_accuracy(replica):
    return replica.history.best.validation_accuracy


chosen_30, stopped_30 = {}, []
for size in SIZES:
    grid = [SHORT.but(batch_size=size, learning_rate=rate) for rate in RATES_30]
    runs = replicas.load_or_train(grid, data, folder, keep_diverged=True)
    stopped_30 += replicas.name_stopped(runs)
    winner = max(replicas.only_trained(runs), key=kept_accuracy)
    later = [winner.config.but(seed=config.seed + more) for more in (1, 2)]
    chosen_30[size] = [winner, *replicas.load_or_train(later, data, folder)]

# %%
held_30 = {
    size: float(np.mean([kept_accuracy(each) for each in runs]))
    for size, runs in chosen_30.items()
}
right_30 = {
    size: rights([each.model for each in runs]) for size, runs in chosen_30.items()
}
table(
    [
        {
            "batch size": size,
            "rate": runs[0].config.learning_rate,
            "validation accuracy": held_30[size],
            "test accuracy": right_30[size].mean(),
        }
        for size, runs in chosen_30.items()
    ],
    {"validation accuracy": ".2%", "test accuracy": ".2%"},
)

# %% tags=["hide-input"]
say(*(f"Stopped, so not to be chosen: {line}." for line in stopped_30))
inside = sorted((size for size in SIZES if 50 <= size <= 256), key=held_30.get)
worst, best = inside[0], inside[-1]
smaller, larger = (size for size in SIZES if size not in inside)
rates_30 = {size: runs[0].config.learning_rate for size, runs in chosen_30.items()}
runs_30 = len(chosen_30[best])
ledger.record(
    30,
    a=crossed(right_30[worst] - right_30[best], worst=worst, best=best, runs=runs_30),
    b=crossed(right_30[smaller] - right_30[best], smaller=smaller, best=best, runs=runs_30),
    c=crossed(right_30[larger] - right_30[best], larger=larger, best=best, runs=runs_30),
    remark=f"Every size has its own rate ({enumerate_words(f'{rate:g} for {size:,}' for size, rate in rates_30.items())}), and"
    f" {SHORT.num_epochs} passes over the images; in these, {SIZES[-1]:,} takes one step where {SIZES[0]} takes"
    f" {SIZES[-1] // SIZES[0]}. With more passes the gaps may change.",
)  # fmt: skip

# %% [markdown]
# (claims-cifar10-rate)=
# ## The learning rate, and how far it takes the model
#
# (claim-26)=
# ### Claim 26: the best learning rate is about 0.009
#
# A grid of nine rates around 0.009, each larger than the last by the square root of two, on five splits. The source gives no number of epochs; here they are ten, and with more epochs a smaller rate loses less. Weights are those of the lowest validation loss.
#
# Two questions. Is anything gained by leaving 0.009? Of the *other* rates the best is chosen by mean validation accuracy, and compared with 0.009 on test images, over seeds and images. The claim stands if the gain stays below the margin.
#
# And where is the best rate? "About" is taken as nearer to 0.009 than to a tenth of it or ten times it, on a logarithmic scale: between 0.00285 and 0.0285. The figure shows why nothing narrower would do: near its top the curve is flat. The interval comes from drawing splits and images again and choosing anew each time. An image may lie in the validation part of several splits; it is drawn once for all of them, and n counts it once. A grid knows its best rate to half a step, a factor of 1.19, so either end is moved out by that much.

# %%
CLAIMED, SPLITS = 0.009, min(5, num_seeds)
RATES = np.array([CLAIMED * 2 ** (power / 2) for power in range(-4, 5)])
grids = []
for each in range(config.seed, config.seed + SPLITS):
    base = config.but(seed=each, num_epochs=min(10, config.num_epochs))
    grid = [base.but(learning_rate=float(rate)) for rate in RATES]
    grids.append(replicas.load_or_train(grid, data, folder, keep_diverged=True))
claimed_at = list(RATES).index(CLAIMED)
replicas.require_trained([runs[claimed_at] for runs in grids])
# A rate competes only if it came through on every split.
stopped_26 = replicas.name_stopped(itertools.chain.from_iterable(grids))
through = np.array([[run.trained for run in runs] for runs in grids]).all(axis=0)
RATES, grids = RATES[through], [list(itertools.compress(g, through)) for g in grids]

# %%
held_hits, held_rows = [], []
for runs in grids:
    split = config.validation_split, runs[0].config.seed
    rows = datasets.split_indices(len(data.train), *split)[1]
    part = data.train.subset(rows)
    inputs = datasets.standardise(part)
    hits = [predict(run.model, inputs).labels == part.labels for run in runs]
    held_hits.append(torch.stack(hits, dim=1))
    held_rows.append(rows)
held_hits = torch.stack(held_hits).numpy().astype(np.float32)  # (splits, images, rates)
held_rows = torch.stack(held_rows).numpy()
del inputs, part


# %%
def draw_best_rate(generator):
    """The best rate on splits and images drawn again; an image counts alike in all."""
    drawn = generator.integers(len(data.train), size=len(data.train))
    weights = np.bincount(drawn, minlength=len(data.train))[held_rows]
    splits = np.bincount(generator.integers(SPLITS, size=SPLITS), minlength=SPLITS)
    weights = (weights * splits[:, np.newaxis]).astype(np.float32)
    return RATES[np.einsum("si,sir->r", weights, held_hits).argmax()]


held_26 = held_hits.mean(axis=(0, 1))
chosen_rate = float(RATES[held_26.argmax()])
draw_26, half_step = np.random.default_rng(config.seed), 2**0.25
drawn_rates = np.array([draw_best_rate(draw_26) for _ in range(1_000)])
ends_26 = np.quantile(drawn_rates, statistics.TAILS) * (1 / half_step, half_step)
claimed_at = list(RATES).index(CLAIMED)
other_at = int(np.where(RATES == CLAIMED, 0, held_26).argmax())
right_26 = {at: rights([g[at].model for g in grids]) for at in (claimed_at, other_at)}

# %% mystnb={"figure": {"caption": "Validation accuracy against the learning rate on five splits, at the weights with the lowest validation loss; the vertical line marks the source's rate.", "name": "fig-claims-cifar10-rates"}, "image": {"alt": "Five curves, one per split, of validation accuracy against the learning rate on a logarithmic axis, and a vertical line at 0.009."}}
ax = compare_curves(
    {
        f"split of seed {runs[0].config.seed}": (
            RATES,
            [kept_accuracy(r) for r in runs],
        )
        for runs in grids
    },
    xlabel="learning rate",
    ylabel="validation accuracy",
    xscale="log",
)
_ = ax.axvline(CLAIMED, color="black", linewidth=0.8, linestyle=":")

# %% tags=["hide-input"]
say(*(f"Stopped, so its rate is not compared: {line}." for line in stopped_26))
ledger.record(
    26, a=crossed(right_26[other_at] - right_26[claimed_at], other=RATES[other_at], runs=SPLITS),
    b=Measurement(chosen_rate, *ends_26, n=len(np.unique(held_rows)), of_what="distinct validation images",
                  how=f"bootstrap, crossed with {SPLITS} splits", log_scale=True),
    remark=f"After {base.num_epochs} epochs, on a grid from {RATES[0]:.2g} to {RATES[-1]:.2g}; the best rate depends on when one looks."
    f" In {percent(np.mean(drawn_rates == CLAIMED), 0)} of the draws the best rate of the grid is 0.009 itself.",
)  # fmt: skip

# %% [markdown]
# (claim-27)=
# ### Claim 27: accuracy tops out at 41-42 %
#
# The source's figure is the highest validation accuracy of any epoch, and it says "around". It was measured on 10,000 validation images, whose sampling interval reaches a point to either side; so "around" is taken as a point beyond either figure, from 40 % to 43 %. A narrower rule would be narrower than its own interval, and not even a true claim could keep it.
#
# The same maximum is taken from each of the ten models. Their splits share images, so the interval over seeds is widened. A maximum over epochs is optimistic, since it also picks the luckiest epoch. So the test accuracy of the weights kept is held against the same range, with a crossed interval over models and test images.
#
# How much hangs on single images? One image of 10,000 moves an accuracy by 0.01 points. The remark says by how many images the mean clears the source's own lower figure of 41 %, and by how many the end of its interval clears the bound.

# %%
highest = [max(run.history.column("validation_accuracy")) for run in ten]
final = [run.history.records[-1].validation_accuracy for run in ten]
ten_right = rights([run.model for run in ten])

# %% mystnb={"figure": {"caption": "Accuracy of the ten models: the highest validation accuracy of any epoch, the validation accuracy of the last epoch, and the test accuracy of the weights kept. The shaded band is the claimed range.", "name": "fig-claims-cifar10-top"}, "image": {"alt": "Three rows of marks, one mark per seed, on an axis of accuracy, with a shaded band from 41 to 42 per cent."}}
ax = strips(
    {
        "highest, validation": highest,
        "last epoch, validation": final,
        "kept weights, test": ten_right.mean(axis=1).tolist(),
    },
    xlabel="accuracy",
)
_ = ax.axvspan(0.41, 0.42, color="grey", alpha=0.2)

# %% tags=["hide-input"]
optimism = 100 * (np.mean(highest) - np.mean(final))
top = over(highest, **split_anew)
num_held = len(validation.labels)
beyond = [
    num_held * (end - bound)
    for end, bound in (
        (top.value, 0.41),
        (top.low, ledger.rulebook.parts["27a"].rule.bounds[0]),
    )
]
ledger.record(
    27, a=top, b=crossed(ten_right, runs=len(ten)),
    remark=f"Of {num_held:,} validation images, the mean lies {beyond[0]:+.1f} images from 41 %, and the lower end of its interval"
    f" {beyond[1]:+.0f} images from the bound. The highest epoch lies {optimism:.1f} points above the last, in the mean. The source"
    " does not open its test set.",
)  # fmt: skip

# %% [markdown]
# (claims-cifar10-limits)=
# ## What a linear model can reach
#
# (claim-28)=
# ### Claim 28: low accuracy is inevitable for a linear model
#
# Thirty-two linear models on pixels, trained in other ways than the source's: inputs standardised by channel, momentum, a falling rate, four first rates, four strengths of the penalty, with and without mirrored images. The best is chosen by validation accuracy. It is trained again with four more seeds, each with its own split, and measured on test images. If low accuracy is inevitable, it stays below 43 %, a point above the source's range; the interval is a crossed one, over seeds and images.
#
# Trying can refute the claim, and no more: what holds, holds of the models that were tried. That *no* linear model does better would need a proof, and the second part says so. What a nonlinear model makes of the same pixels stands in [](../cifar10/05_error_analysis), and what this very softmax regression makes of other features in [](../beyond/01_better_features).

# %%
import functools

pixels = exploration.pixel_statistics(train.images.cpu())
by_channel = functools.partial(
    datasets.standardise_pixels, mean=pixels.mean.tolist(), std=pixels.std.tolist()
)
coin = make_generator(config.seed, "mirror")


def mirrored(images):
    heads = torch.rand(len(images), generator=coin) < 0.5
    heads = heads.to(images.device)[:, None, None, None]
    return by_channel(torch.where(heads, images.flip(3), images))


# %%
careful = config.but(
    momentum=0.9, learning_rate_decay=0.1, learning_rate_step=3,
    num_epochs=min(8, config.num_epochs),
)  # fmt: skip
RATES_28 = (0.0005, 0.002, 0.004, 0.008)
grid_28 = [
    careful.but(learning_rate=rate, weight_decay=decay)
    for rate in RATES_28
    for decay in (0.0, 0.03, 0.1, 0.3)
]
held_batches = Batches(validation.images, validation.labels, 500, transform=by_channel)
tried, stopped_28 = {}, []
for name, change_of in {"plain": by_channel, "mirrored": mirrored}.items():
    order = make_generator(config.seed, "order")
    batches = Batches(train.images, train.labels, config.batch_size, order, change_of)
    runs = replicas.train(grid_28, batches, held_batches)
    tried[name] = replicas.only_trained(runs)
    stopped_28 += replicas.name_stopped(runs)

# %%
best_name, best_28 = max(
    ((name, run) for name, runs in tried.items() for run in runs),
    key=lambda pair: kept_accuracy(pair[1]),
)
table(
    [
        {"images": name, "rate": run.config.learning_rate, "penalty": run.config.weight_decay,
         "validation accuracy": kept_accuracy(run)}
        for name, runs in tried.items() for run in runs
    ],
    {"validation accuracy": ".2%"},
)  # fmt: skip

# %%
change_of, again_28 = {"plain": by_channel, "mirrored": mirrored}[best_name], [best_28]
for each in range(config.seed + 1, config.seed + min(5, num_seeds)):
    mine, held = training_batches(data.train, config.but(seed=each))
    order = make_generator(each, "order")
    again_28 += replicas.train(
        [best_28.config.but(seed=each)],
        Batches(mine.images, mine.labels, config.batch_size, order, change_of),
        Batches(held.images, held.labels, 500, transform=by_channel),
    )
models_28 = [run.model for run in replicas.require_trained(again_28)]
right_28 = rights(models_28, by_channel(data.test.images))
del mine, held

# %% tags=["hide-input"]
num_tried = sum(map(len, tried.values()))
say(*(f"Stopped, so not to be chosen: {line}." for line in stopped_28))
ledger.record(
    28, a=crossed(right_28, runs=len(models_28)),
    b=Measurement(num_tried, n=num_tried, of_what="models"),
    remark=f"The best has {best_name} images, rate {best_28.config.learning_rate:g} of {RATES_28[0]:g} to {RATES_28[-1]:g}, and penalty"
    f" {best_28.config.weight_decay:g}; the ten models of the source's kind reach {percent(float(ten_right.mean()))}."
    " With other features than pixels a linear model may do far better.",
)  # fmt: skip

# %% [markdown]
# (claim-48)=
# ### Claim 48: more classes make linear separation harder
#
# Ten random orders of the classes; from each, the first two, three, five and all ten. Every class has 1,000 training images, every model takes about the same number of steps, and validation images decide which epoch is kept. The accuracy is that on the test images of the classes in question.
#
# With two classes guessing scores a half, with ten a tenth, so accuracy must fall even if nothing became harder: a rule on plain accuracy could not fail. What is judged is the share of the way from guessing to perfect. Two classes must beat ten by more than the margin. The interval is Student's t over the ten orders; the difference is taken within an order. All orders share one split and one test set, so it says how much hangs on which classes are taken, not on which images.

# %%
ORDERS, COUNTS, STEPS = num_seeds, (2, 3, 5, 10), 400
PER_CLASS = min(1_000, len(data.train) // 100)
kept_rows, held_rows = datasets.split_indices(
    len(data.train), config.validation_split, config.seed
)
orders = [
    torch.randperm(len(class_names), generator=make_generator(each, "classes"))
    for each in range(ORDERS)
]


def rows_of(rows, classes, per_class, labels=data.train.labels):
    found = [rows[labels[rows] == label][:per_class] for label in classes]
    return torch.cat(found)


def on_its_classes(order, run, count):
    chosen = torch.isin(truth, order[:count])
    answers = predict(run.model, test_images[chosen]).labels
    return (answers == truth[chosen]).double().mean().item()


# %%
def accuracies_with(count):
    epochs = max(1, STEPS * config.batch_size // (PER_CLASS * count))
    runs = [config.but(seed=each, num_epochs=epochs) for each in range(ORDERS)]
    shuffles = [make_generator(each, "order") for each in range(ORDERS)]
    mine, held = (
        torch.stack([rows_of(rows, order[:count], size) for order in orders])
        for rows, size in ((kept_rows, PER_CLASS), (held_rows, PER_CLASS * 3 // 10))
    )
    trained = replicas.train(
        runs,
        replicas.StackedBatches(
            data.train, mine, config.batch_size, shuffles, transform
        ),
        replicas.StackedBatches(data.train, held, 100, None, transform),
    )
    pairs = zip(orders, replicas.require_trained(trained), strict=True)
    return np.array([on_its_classes(order, run, count) for order, run in pairs])


# %%
few = {count: accuracies_with(count) for count in COUNTS}
way = {count: (values - 1 / count) / (1 - 1 / count) for count, values in few.items()}

# %% mystnb={"figure": {"caption": "Test accuracy on random subsets of the classes, and the same as a share of the way from guessing to perfect, against the number of classes.", "name": "fig-claims-cifar10-classes"}, "image": {"alt": "Two sets of marks against the number of classes, circles for accuracy and squares for the share of the way from guessing to perfect, ten marks each for two, three, five and ten classes."}}
from tutorial_utils.plots.data import scatter

spread_out = [count for count in COUNTS for _ in range(ORDERS)]
ax = scatter(
    {
        "accuracy": (spread_out, np.concatenate(list(few.values()))),
        "way from guessing to perfect": (
            spread_out,
            np.concatenate(list(way.values())),
        ),
    },
    xlabel="number of classes",
    ylabel="fraction",
)

# %% tags=["hide-input"]
ledger.record(
    48, a=over(way[2] - way[10], "orders"),
    remark="Mean share of the way: "
    + enumerate_words(f"{percent(float(values.mean()), 0)} with {count} classes" for count, values in way.items())
    + ". This is accuracy on new images; whether a plane separates the training images is another question.",
)  # fmt: skip

# %% [markdown]
# (claims-cifar10-verdicts)=
# ## The verdicts of this chapter
#
# All fifty claims stand in {ref}`the ledger <claims-ledger>`.

# %%
entries = ledger.entries("metric")
table(
    [
        {"claim": each["id"], "in short": each["claim"], "verdict": each["verdict"]}
        for each in entries
    ]
)

# %% [markdown]
# What could these comparisons have seen? Below stands, for every part that has a normal or a Student interval, half of its width, and the smallest distance from the bound that it would have settled four times in five {cite}`cohen1988`. A rule is fair if what it accepts is wider than that.

# %%
from scipy import stats

from tutorial_utils.evaluation import power
from tutorial_utils.report.verdicts import write_value

seen = []
for part in (part | {"id": each["id"]} for each in entries for part in each["parts"]):
    if part["low"] is None or part["exact_p"] is not None or part["log_scale"]:
        continue
    df, half = part["degrees_of_freedom"] or math.inf, (part["high"] - part["low"]) / 2
    least = power.detectable(half / stats.t.ppf(0.975, df), df) if half else 0.0
    row = {
        "part": f"{part['id']}{part['letter']}",
        "rule": part["rule_text"].split(":")[0],
    }
    for name, value in {"half width": half, "smallest effect": least}.items():
        row[name] = write_value(value, part["unit"], part["digits"]).lstrip("+")
    seen.append(row)
table(seen)

# %% tags=["hide-input"]
say(f"Of {len(entries)} claims, {ledger.tally()}.")
path = results.write(
    "claims/02_cifar10",
    parameters={**config.model_dump(), "num_seeds": num_seeds},
    metrics={
        "claims": entries,
        "rules_sha256": rules.read().sha256,
        "test_accuracy_over_seeds": float(ten_right.mean()),
        "validation_accuracy_by_rate": dict(
            zip(RATES.round(5).tolist(), held_26.tolist(), strict=True)
        ),
        "validation_accuracy_by_batch_size": held_30,
        "accuracy_by_number_of_classes": few,
    },
    data_hash=data.fingerprint,
)

# %% [markdown]
# ## What you have learnt
#
# You can now
#
# * turn a sentence into a measurement and a rule, before you see the result;
# * choose an interval that fits the question: over images, over seeds or over batches;
# * pick the best of a grid without fooling yourself;
# * tell a claim that fails from one that no experiment can decide.
#
# ## Exercises
#
# ### Exercise 1: how coarse must arithmetic be?
#
# A row that misses one by 8e-5 does not come from float32. In which number format would softmax of ten logits miss by that much? Try float16 and bfloat16 on random logits.

# %% tags=["hide-cell"]
# Solution: round the probabilities to each format, and sum in float64.
random_logits = torch.randn(10_000, 10, generator=make_generator(seed, "exercise"))
exact = random_logits.double().softmax(dim=1)
miss = {
    str(kind).removeprefix("torch."): (exact.to(kind).double().sum(dim=1) - 1)
    .abs()
    .median()
    .item()
    for kind in (torch.float32, torch.float16, torch.bfloat16)
}
closest = min(miss, key=lambda kind: abs(math.log(miss[kind] / published_miss)))
say(
    "Median miss: "
    + enumerate_words(f"{value:.0e} in {kind}" for kind, value in miss.items())
    + f". The published row, at {published_miss:.0e}, is nearest to {closest}."
)

# %% [markdown]
# ### Exercise 2: how large a batch?
#
# Suppose that the gradients of single images are independent draws, with the full gradient as their mean. Then the expected squared length of a batch's deviation falls as one over the batch size. From the mean cosine after training, estimate how many images a batch would need for a cosine of 0.9.

# %% tags=["hide-cell"]
# Solution: cos^2 = 1 / (1 + r / m), with r the noise of one image and m the batch size.
cosine = mean_angles["after training"].mean()
noise_ratio = config.batch_size * (1 / cosine**2 - 1)
needed = noise_ratio / (1 / 0.9**2 - 1)
say(
    f"At a mean cosine of {cosine:.2f} with {config.batch_size} images, about"
    f" {needed:,.0f} images. The formula is rough: the mean of cosines is not the"
    " cosine of the mean."
)

# %% [markdown]
# ### Exercise 3: a stricter claim
#
# Claim 24 could have been "the favourite of an untrained model gets more than half of the images". In which share of the two hundred models is that so? Give an interval, and say which verdict the rule "above one half" would get.

# %% tags=["hide-cell"]
# Solution: a count, Wilson's interval, and the rule.
from tutorial_utils.report.narrate import interval
from tutorial_utils.report.verdicts import above

above_half = int((favourite_share > 0.5).sum())
half = share(above_half, UNTRAINED, "seeds")
verdict = above(0.5).judge(half.value, half.low, half.high)
say(
    f"{percent(half.value, 1)} of the models, {interval(half.low, half.high)}: the claim"
    f" {verdict.singular}."
)

# %% [markdown]
# ## Further reading
#
# * {cite:t}`bottou2018` on what a mini-batch gradient is good for.
# * {cite:t}`bouthillier2021` on the sources of variation that a comparison should cover.
#
# Next: {ref}`the ledger of all claims <claims>`.
