# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Comparing models
#
# A friend's model reads fewer test images than yours, but not many fewer. Is yours better, or were you lucky? And is it more than luck that a 5
# is read as a 3 more often than a 3 as a 5?
#
# *20 minutes to read, 40 with the exercises. **You need** [Evaluation](04_evaluation.ipynb). Next comes
# [Error analysis](05_error_analysis.ipynb).*
#
# After this chapter you can
#
# * make a run repeatable, and say what that does not guarantee;
# * keep apart what other seeds change and what other images change;
# * compare two models image by image and two recipes seed by seed, and test what is more than chance.

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
dataset: str = "mnist"  # data set, "mnist"
seed: int = 0  # fixes split, order and initial weights, 0 or more
device: str = "auto"  # where to compute: "auto", "cpu", "cuda", "mps"
num_epochs: int = 30  # passes over the training images, 1 or more
batch_size: int = 64  # images per update, 1 to 54,000
learning_rate: float = 0.01  # step length of the first epoch, above 0
momentum: float = 0.9  # share of the last step kept in the next, 0 to below 1
weight_decay: float = 0.0  # strength of the L2 penalty, 0 or more
learning_rate_decay: float = 0.1  # factor at each decay, above 0 to 1
learning_rate_step: int = 10  # epochs between two decays, 1 or more
validation_split: float = 0.1  # share of images held out, between 0 and 1
early_stopping_patience: int = 30  # epochs without improvement, 1 or more
num_seeds: int = 10  # models of each recipe, 2 or more
solver_steps: int = 100  # most steps of scikit-learn's solver, 1 or more

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
import torch

from tutorial_utils.plots.style import use_book_style
from tutorial_utils.training.config import TrainingConfig

config = TrainingConfig(
    dataset=dataset,
    seed=seed,
    device=device,
    num_epochs=num_epochs,
    batch_size=batch_size,
    learning_rate=learning_rate,
    momentum=momentum,
    weight_decay=weight_decay,
    learning_rate_decay=learning_rate_decay,
    learning_rate_step=learning_rate_step,
    validation_split=validation_split,
    early_stopping_patience=early_stopping_patience,
)
torch.set_num_threads(1)  # a second one would mostly wait for the first
use_book_style()

# %% [markdown]
# ## The same seed twice
#
# Training draws random numbers in three places: which images are held out, the first weights, and the order of the images. Here each has a
# generator of its own, and one seed sets all three. Train for one epoch, and ask how far the largest difference between two sets of weights is, as a share of the largest weight.
# One run uses two threads: sums are then taken in another order.

# %%
from tutorial_utils.data import datasets
from tutorial_utils.training.batches import training_batches
from tutorial_utils.training.models import make_model
from tutorial_utils.training.trainer import Trainer

data = datasets.load(dataset)


def one_epoch(seed, threads=1):
    short = config.but(seed=seed, num_epochs=1, device="cpu")
    model, batches = make_model(short), training_batches(data.train, short)
    torch.set_num_threads(threads)
    Trainer(short, show_progress=False).fit(model, *batches)
    torch.set_num_threads(1)
    return model.linear.weight.detach()


once = one_epoch(seed)
others = {"same seed, again": one_epoch(seed)}
others["two threads"] = one_epoch(seed, threads=2)
others["another seed"] = one_epoch(seed + 1)
far = {k: (w - once).abs().max() / once.abs().max() for k, w in others.items()}
{name: f"{share:.0e}" for name, share in far.items()}

# %% [markdown]
# The same seed gives the same weights, to the last bit. Threads change the rounding, another seed changes everything. Between processors, systems and versions of PyTorch nothing is promised, so
# the box at the foot of each page records them. Seed *before* anything is drawn: whoever seeds after the model is made repeats nothing. And mind what else draws: loader workers, dropout, augmentation.
#
# ## Another seed, another model
#
# No seed is better than another. Train ten models that differ in it alone ([Tuning](03b_tuning.ipynb#Ten-models-in-one-pass) does so in one pass), and let all of them read the test images.

# %%
import pandas as pd

from tutorial_utils.evaluation.metrics import evaluate
from tutorial_utils.evaluation.predictions import predict
from tutorial_utils.report import results
from tutorial_utils.training import replicas

test_images, truth = datasets.standardise(data.test), data.test.labels
seeds = range(seed, seed + num_seeds)


def answers_of(recipe):
    recipes = [recipe.but(seed=each) for each in seeds]
    runs = replicas.load_or_train(recipes, data, results.output_folder())
    return [predict(run.model, test_images) for run in runs]


long = answers_of(config)
tests = [evaluate(truth, each) for each in long]
spread = pd.DataFrame({"accuracy": [test.accuracy for test in tests]})
spread["loss"] = [test.loss for test in tests]
spread["macro F1"] = [test.f1.mean() for test in tests]
spread.describe().loc[["mean", "std", "min", "max"]].round(4)

# %% [markdown]
# (Macro F1 is the mean F1 of the ten digits.) Their accuracies lie within a fifth of a percentage point or so. That is the **spread over seeds**. It is not the
# [interval](04_evaluation.ipynb#Neighbours-go-together) of one model's accuracy. They answer different questions:
#
# * **other writers**: how would *this* model do on digits from other hands?
# * **other seeds**: where lies the mean accuracy of all models that this recipe makes, on these very images?
# * **both**: what would other seeds give on digits from other hands ([Cameron, Gelbach and Miller, 2011](https://doi.org/10.1198/jbes.2010.07136))? Add the variance from seeds to that from images, and take off once what
#   single pairs of seed and image put into both.

# %% tags=["hide-input"]
# @title Figure: three intervals
from tutorial_utils.evaluation import dependence, statistics
from tutorial_utils.lessons.show import show
from tutorial_utils.plots import evaluation as plots

hits = torch.stack([each.labels == truth for each in long])  # (seeds, images)
writers = dependence.block_interval(hits[0], strata=2)
both = dependence.crossed_interval(hits, block=100, strata=2)
student = statistics.mean_interval(spread["accuracy"].tolist())
three = {"other writers": writers[:3], "both": both[:3]}
three["other seeds"] = spread["accuracy"].mean(), *student
ax = plots.intervals(three, xlabel="test accuracy")
ax.plot(spread["accuracy"], [2.3] * num_seeds, "kx", markersize=5)
show(
    ax,
    caption="Three 95 % intervals. Crosses are the models of single seeds.",
    alt="Three horizontal lines. Those for other writers and for both are alike"
    " in length. That for other seeds is far shorter, amid ten crosses.",
    name="fig-mnist-spread",
)

# %% [markdown]
# Other writers matter far more than other seeds. Ten models know hardly more about other writers than one: all were asked about the same images.
#
# ## Two models, the same images
#
# Your friend trains for six epochs in place of thirty, with the rate falling after the second and the fourth. That takes a fifth of the time. Here are both models of your seed. How many images does each read correctly?

# %%
quick = config.but(num_epochs=6, learning_rate_step=2)
short = answers_of(quick)
yours, friends = hits[0], short[0].labels == truth
int(yours.sum()), int(friends.sum())

# %% [markdown]
# They are a few images apart, where the interval of either reaches a hundred to each side. That does not mean that nothing can be said. Both models answered the *same* images: what is hard for one is hard for
# the other, and drops out of the difference. So look at the images one by one.

# %%
pd.crosstab(yours, friends, rownames=["yours"], colnames=["friend's"])

# %% [markdown]
# On most images they are both right or both wrong. Those say nothing about which is better. Only the two numbers off the diagonal do. Call them $b$, only yours is right, and $c$, only your
# friend's. The **paired difference** of the accuracies is $(b - c)/n$, and its standard error, for independent images, is $\sqrt{b + c - (b - c)^2/n}\,/\,n$: each image counts 1, $-1$ or 0, which is $(b + c)/n$ in the mean of squares, less the
# square of the mean.

# %%
b, c = int((yours & ~friends).sum()), int((friends & ~yours).sum())
n = len(truth)
difference = (b - c) / n
error = (b + c - (b - c) ** 2 / n) ** 0.5 / n
difference, difference - 1.96 * error, difference + 1.96 * error

# %% [markdown]
# The difference and its 95 % interval, several times as narrow as that of two models on *different* images. It still holds zero. The same question as a test: if both were
# equally good, a fair coin would say, for each image on which they disagree, which of them has it right. How often would it divide them so unevenly, or more? That is **McNemar's
# test** ([McNemar, 1947](https://doi.org/10.1007/BF02295996)). The assumption that a coin decides is its **null hypothesis**. The probability of a division as uneven as this, or more, if the coin decides, is its **p-value**: the smaller, the
# more it speaks against the coin.

# %%
from scipy.stats import binomtest

binomtest(b, b + c, 0.5).pvalue.item()

# %% [markdown]
# A fair coin does that about one time in four. The two cannot be told apart by these images. That does not make them equal, and it is about these two *models*. Another seed makes another pair
# ([Dietterich, 1998](https://doi.org/10.1162/089976698300017197)).
#
# ## Two recipes, the same seeds
#
# You asked about two recipes, really: thirty epochs, or six? So compare them with all ten seeds, and pair again. With the same seed both hold out the same images and start from the same weights.
# One pair was asked about other images. Ten pairs are asked about other seeds on these images, and then about both. **Predict first:** which of the two answers is surer?

# %% tags=["hide-input"]
# @title Figure: ten pairs of models
from tutorial_utils.plots.training import paired

friends_hits = torch.stack([each.labels == truth for each in short])
quickly = friends_hits.double().mean(dim=1)
fully = hits.double().mean(dim=1)
names = "six epochs", "thirty epochs"
show(
    paired(quickly, fully, names=names, ylabel="test accuracy"),
    caption="Test accuracy of both recipes. Each line is one seed.",
    alt="Ten lines lead from six to thirty epochs. All of them rise.",
    name="fig-mnist-paired-seeds",
)

# %%
gains = (fully - quickly).tolist()
changes = hits.double() - friends_hits.double()  # (seeds, images)
crossed = dependence.crossed_interval(changes, block=100, strata=2)
ends = {"other seeds": statistics.mean_interval(gains), "both": crossed[1:3]}
print(sum(gains) / num_seeds)
pd.DataFrame(ends, ["low", "high"]).T.round(4)

# %% [markdown]
# All ten lines rise. The mean gain is small, and its interval over seeds is far from zero: thirty epochs are better, on these images, by a fifth of a percentage point or so. With other images from
# other writers, the second interval, you know much less exactly by how much, but it stays above zero, too. A small difference, found. Whether it is worth five times the time is for you to say.
#
# (The test images decide nothing here. To *choose* between recipes, compare them on validation images, as [Tuning](03b_tuning.ipynb) does.)
#
# ## Several models at once
#
# Compare four models, and you make six tests. Make enough tests, and some succeed by chance. Two precautions:
#
# * **Cochran's Q** ([Cochran, 1950](https://doi.org/10.2307/2332378)) asks once for all: are they right equally often? It is McNemar's test for more than two.
# * **Adjusted p-values** ([Benjamini and Hochberg, 1995](https://doi.org/10.1111/j.2517-6161.1995.tb02031.x)) allow for the number of pairs: of the pairs with an adjusted value below 0.05, at most one in twenty is a
#   false alarm, on average. (Here roughly: the pairs share models.)
#
# The other two models are the nearest centroid, and your own model as scikit-learn trains it ([Pedregosa et al., 2011](https://jmlr.org/papers/v12/pedregosa11a.html)): by another algorithm, with a small penalty
# $\frac{\lambda}{2}\lVert W\rVert^2$ on the weights where yours has none. It is told $C = 1/(\lambda n)$.

# %%
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid

from tutorial_utils.evaluation import comparisons

fitting, _ = datasets.split(data.train, validation_split, seed)
seen = datasets.standardise(fitting).flatten(1).numpy()
rivals = {"nearest centroid": NearestCentroid()}
settings = {"C": 0.01, "tol": 1e-3, "max_iter": solver_steps}
rivals["scikit-learn"] = LogisticRegression(**settings)
rights = {"yours": yours.numpy(), "friend's": friends.numpy()}
answers = {}
for name, rival in rivals.items():
    rival.fit(seen, fitting.labels.numpy())
    answers[name] = rival.predict(test_images.flatten(1).numpy())
    rights[name] = answers[name] == truth.numpy()
cochran = comparisons.cochran_q(pd.DataFrame(rights).to_numpy())
pairs = comparisons.compare_all(rights)
shown = ["first", "second", "only_first", "only_second", "p_adjusted"]
cochran.p_value, pairs[shown].round(4)

# %% [markdown]
# Cochran's Q finds differences (a p-value of 0.0 is too small for a float), and the pairs say where: the nearest centroid is worse than the other three. scikit-learn's model and yours disagree on some images, and these do not tell which of the two is right more often.
#
# ## Is a 5 read as a 3 more often than a 3 as a 5?
#
# The same coin answers your question about the 5 and the 3. Of the mistakes between two digits, how many go either way?

# %%
import numpy as np

matrix = tests[0].confusion_matrix
i, j = np.triu_indices(10, 1)  # all 45 pairs
there, back = matrix[i, j], matrix[j, i]

# %% tags=["hide-input"]
# @title Figure: mistakes both ways
each = zip(i, j, there, back, strict=True)
names = {
    k: f"{a}, {b}"
    for k, (a, b, x, y) in enumerate(each)
    if x + y > 40 or abs(x - y) > 12
}
show(
    plots.labelled_points(
        there,
        back,
        names,
        xlabel="the smaller digit read as the larger",
        ylabel="the larger digit read as the smaller",
        equal="equally often",
    ),
    caption="Mistakes between two digits, one way and the other.",
    alt="Forty-five points and a dotted diagonal. 2 and 8 lie far to its right,"
    " 2 and 7 above it. 3 and 5 lie above it, too, where counts are larger.",
    name="fig-mnist-symmetry",
)

# %% [markdown]
# Again from the whole to the parts:
#
# * **Bowker's test** ([Bowker, 1948](https://doi.org/10.1080/01621459.1948.10483284)): is the matrix symmetric? It adds $(n_{ij} - n_{ji})^2/(n_{ij} + n_{ji})$ over the pairs.
# * **Marginal homogeneity** ([Stuart, 1955](https://doi.org/10.2307/2333387); [Maxwell, 1970](https://doi.org/10.1192/bjp.116.535.651)): is each digit said as often as it occurs? Mistakes can be lopsided and still balance.
# * **Each pair**: a coin for each, adjusted for all 45.
#
# All three take images as independent. Neighbours are not, so these p-values may be too small.

# %%
bowker = comparisons.bowker(matrix)
margins = comparisons.marginal_homogeneity(matrix)
one_way = comparisons.asymmetric_pairs(matrix, range(10))
coins = one_way.set_index(["first", "second"])
print(bowker.p_value, margins.p_value)
coins.loc[[(2, 8), (3, 5)]].round(4)

# %% tags=["hide-input"]
# @title How much more often each digit is said than it occurs, by blocks
one_hot = torch.nn.functional.one_hot
surplus = n * (one_hot(long[0].labels, 10) - one_hot(truth, 10)).double()
rows = [dependence.block_interval(x, strata=2)[:3] for x in surplus.T]
surplus = pd.DataFrame(rows, columns=["said - true", "low", "high"])
surplus.rename_axis("digit").round().astype(int).T

# %% [markdown]
# The matrix is not symmetric. A 2 is read as an 8 much more often than an 8 as a 2; a fair coin would hardly ever do that. Nor is each digit said as often as it occurs: the model probably says 0 too often and 2 too rarely. The table
# has 95 % intervals that take neighbours together.
#
# And your 5? That a 5 is read as a 3 more often than a 3 as a 5 can well be chance: the same gap counts for less where counts are large. The two are confused *both* ways, because to a weighted sum they look alike.

# %% tags=["remove-input"]
# @title Guards of the sentences above
from tutorial_utils.lessons.expect import expect

again = far["same seed, again"]
expect("the same seed gives the same weights", again, equals=0.0)
expect("threads change the rounding alone", far["two threads"], below=1e-3)
expect("another seed changes the weights", far["another seed"], above=0.1)
span = float(np.ptp(spread["accuracy"]))
expect("seeds lie within a fifth of a point", span, between=(0.001, 0.003))
width = {name: row[2] - row[1] for name, row in three.items()}
ratio = width["other writers"] / width["other seeds"]
expect("other writers matter far more than other seeds", ratio, above=8)
ratio = width["both"] / width["other writers"]
expect("ten models know hardly more than one", ratio, between=(0.85, 1.15))
expect("they are a few images apart", abs(b - c), below=45)
counts = int(friends.sum()), n, int(yours.sum()), n
unpaired = statistics.proportion_difference(*counts)
ratio = (unpaired.high - unpaired.low) / (2 * 1.96 * error)
expect("pairing makes the interval several times narrower", ratio, above=2)
p_value = binomtest(b, b + c).pvalue
expect("about one time in four", p_value, between=(0.17, 0.38))
expect("all ten lines rise", min(gains), above=0)
low = statistics.mean_interval(gains).low
expect("the gain is far from zero", low, above=0.0008)
expect("with other images, too, above zero", crossed.low, above=0.0001)
mean = sum(gains) / num_seeds
expect("by a fifth of a point or so", mean, between=(0.0015, 0.0035))
worse = pairs[(pairs == "nearest centroid").any(axis=1)].p_adjusted
expect("the nearest centroid is worse", worse.max(), below=0.001)
tie = pairs[pairs["first"].eq("yours") & pairs.second.eq("scikit-learn")]
expect("scikit-learn's and yours tie", tie.p_adjusted.item(), above=0.1)
expect("the matrix is not symmetric", bowker.p_value, below=1e-4)
two_eight, three_five = coins.p_adjusted[2, 8], coins.p_adjusted[3, 5]
expect("a coin hardly ever does 2 and 8", two_eight, below=0.01)
expect("5 and 3 can be chance", three_five, above=0.1)
expect("it says 0 too often", surplus.low[0], above=0)
expect("it says 2 too rarely", surplus.high[2], below=0)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# Two models disagree on 100 images. One is right on 60 of them. A fair coin's count has the standard deviation $\sqrt{100}/2$. How many standard deviations
# from the middle is 60?

# %%
from tutorial_utils.lessons import checks

your_z = ...
hint = "the middle is 50"
checks.answer(your_z, (60 - 50) / (100**0.5 / 2), tolerance=0.01, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# Two, just beyond 1.96. The exact test counts 60 itself among "so unevenly
# or more", and is a little stricter:
binomtest(60, 100).pvalue

# %% [markdown]
# ### Exercise 2 ★★ Predict, then run
#
# Neighbouring images go together, which doubles the variance of an accuracy: its [design effect](04_evaluation.ipynb#Neighbours-go-together) is two within blocks. What is it, within blocks, for the *difference* of your model and your
# friend's? Guess, then run.

# %%
your_effect = ...
differences = yours.double() - friends.double()
by_blocks = dependence.block_interval(differences, strata=2)
hint = "what is hard for one is hard for the other, and drops out"
checks.answer(your_effect, by_blocks.within_blocks, tolerance=0.3, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# About one: a hard hand is hard for both. Then with neighbouring blocks:
by_blocks.within_blocks, by_blocks.design_effect

# %% [markdown]
# ### Exercise 3 ★★★ The same answers?
#
# Two models can be right equally often on different images. **Cohen's kappa** ([Cohen, 1960](https://doi.org/10.1177/001316446002000104)) asks how often they *say* the same: $\kappa = (a - e)/(1 - e)$, with $a$ the share of images with equal answers, and $e$ the share
# that they would have by chance: the sum over digits of the product of their shares. The starter returns $a$. Write it for labels 0 to 9.


# %%
def your_kappa(first, second):
    return (first == second).double().mean()


# %%
from sklearn.metrics import cohen_kappa_score

mine, theirs = long[0].labels, torch.as_tensor(answers["scikit-learn"])
checks.function(your_kappa, cohen_kappa_score, [(mine, theirs), (mine, truth)])


# %% tags=["hide-cell"]
# @title Solution
def my_kappa(first, second):
    agree = (first == second).double().mean()
    shares = [torch.bincount(x, minlength=10) / len(x) for x in (first, second)]
    chance = (shares[0] * shares[1]).sum().double()
    return (agree - chance) / (1 - chance)


checks.function(my_kappa, cohen_kappa_score, [(mine, theirs), (mine, truth)])

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
from tutorial_utils.lessons.questions import ask, choice, number

ask(
    [
        choice(
            "Two accuracies lie in each other's 95 % interval. So the models",
            {
                "are equally good": "No test shows that.",
                "may still differ: compare them image by image": "",
                "differ by chance alone": "Such intervals ignore that both"
                " models read the same images.",
            },
            correct="may still differ: compare them image by image",
            because="each interval allows for other writers. Both models answer"
            " the same ones, so in their difference that drops out.",
            sure=True,
        ),
        choice(
            "Which images does McNemar's test look at?",
            {
                "all": "Where both are right, nothing is decided.",
                "those that both misread": "They say nothing, either.",
                "those that one reads and the other misreads": "",
            },
            correct="those that one reads and the other misreads",
            because="a fair coin for each of them is the null hypothesis.",
        ),
        number(
            "Four models, every pair compared. How many tests?",
            answer=len(pairs),
            tolerance=0.1,
            because="four times three, halved.",
        ),
        choice(
            "You report a mean over ten seeds with the interval over seeds. A"
            " reader asks about digits from other writers. Is it wide enough?",
            {
                "yes, ten models were asked": "All about the same images.",
                "no, it is far too narrow": "",
            },
            correct="no, it is far too narrow",
            because="other writers would move the accuracy far more.",
        ),
        choice(
            "Two recipes, ten seeds each. Why the same ten seeds for both?",
            {
                "it saves time": "It takes as long.",
                "each pair shares its split and its first weights": "",
                "other seeds would be worse": "No seed is better.",
            },
            correct="each pair shares its split and its first weights",
            because="what a seed does to both drops out of the difference.",
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Dietterich (1998)](https://doi.org/10.1162/089976698300017197) on comparing two classifiers.
# * [Bouthillier et al. (2021)](https://arxiv.org/abs/2103.03098) on the variance that benchmarks ignore.
#
# Next: [Error analysis](05_error_analysis.ipynb). What do the misread digits have in common?

# %% tags=["remove-cell"]
# @title The results file
metrics = {
    "test_accuracy_seeds": student,
    "test_accuracy_crossed": both[1:3],
    "accuracy_over_seeds": spread["accuracy"].tolist(),
    "accuracy_seed_mean": spread["accuracy"].mean(),
    "accuracy_seed_deviation": spread["accuracy"].std(),
    "spread": spread.describe().to_dict(),
    "thread_difference": far["two threads"],
    "six_epochs": {"only_thirty": b, "only_six": c, "p_value": p_value},
    "gain_over_seeds": gains,
    "cochran_q": cochran.p_value,
    "comparisons": pairs.to_dict("records"),
    "bowker": bowker.p_value,
    "marginal_homogeneity": margins.p_value,
    "asymmetric_pairs": one_way.head(6).to_dict("records"),
}
path = results.write(
    "mnist/04c_comparing_models",
    parameters={**config.model_dump(), "num_seeds": num_seeds},
    metrics=metrics,
    data_hash=data.fingerprint,
)
