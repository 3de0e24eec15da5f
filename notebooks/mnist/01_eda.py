# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exploring MNIST
#
# What do 70,000 handwritten digits look like, and which of them would you misread yourself? Before you ask why a model reads
# your 5 as a 3, look at many fives and threes: what you see here decides how the model gets its pixels.
#
# *About 40 minutes with the exercises. **You need** arrays, mean and standard deviation. Next comes [The model](02_model.ipynb).*
#
# After this chapter you can
#
# * load MNIST, and say what each axis of a batch of images means;
# * standardise pixels, and show where the numbers 0.1307 and 0.3081 come from;
# * split off validation images, and say what is shuffled and why;
# * describe a set of images by counts, averages and outliers, and turn what you saw into decisions.

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
seed: int = 0  # fixes the split and which samples are shown, 0 or more
batch_size: int = 64  # images per batch, 1 or more
validation_split: float = 0.1  # share of images held out, between 0 and 1

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
from tutorial_utils.lessons.expect import expect
from tutorial_utils.lessons.show import show
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.report.narrate import percent, table
from tutorial_utils.training.config import TrainingConfig

config = TrainingConfig(
    dataset=dataset,
    seed=seed,
    batch_size=batch_size,
    validation_split=validation_split,
)
use_book_style()

# %% [markdown]
# ## What MNIST is
#
# MNIST is 70,000 grey pictures of single digits, written by employees of the US census and by high-school students
# ([LeCun et al. 1998](https://doi.org/10.1109/5.726791)). You learn from 60,000 of them; 10,000 wait for the test. Whoever made it
# scaled each digit into a box of 20 x 20 pixels and moved its centre of mass to the middle of 28 x 28.
#
# The next cell fetches the files, checks them against pinned checksums, and reads them.

# %%
import torch

from tutorial_utils.data import datasets, exploration

data = datasets.load(dataset)
data.train.images.shape, data.test.images.shape, data.train.images.dtype

# %% [markdown]
# A pixel is a whole number: 0 is black, 255 is white, and the digit is light on dark. Figures in this book are drawn the other way
# round, as ink on paper. So let us call 0 blank and 255 full ink.
#
# People write differently. Strokes are thick or thin, shapes open or closed, digits upright or slanted, and scanning adds noise. A model
# must see through all that. On MNIST even a simple model does well, because a digit puts its ink in roughly the same places each time. That
# makes it a good place to learn. Since 1998 nearly every method of reading images has been tried on it, and the good ones differ by a handful of test images. So it is a poor
# place to show that a new one is better.
#
# ## A look at the images
#
# Draw 25 training images at random. Cover the labels and read the digits aloud. Which do you have to read twice?

# %%
from tutorial_utils.reproducibility import make_generator

draw = make_generator(seed, "samples")
picked = torch.randperm(len(data.train), generator=draw)[:25]

# %% tags=["hide-input"]
# @title Figure: 25 training images
from tutorial_utils.plots.data import image_grid

titles = [str(int(label)) for label in data.train.labels[picked]]
show(
    image_grid(data.train.images[picked, 0], titles),
    caption="Twenty-five training images drawn at random, with their labels.",
    alt="Five rows of five handwritten digits in dark ink on white, with"
    " labels; slant and thickness differ, and a few are hard to read.",
    name="fig-mnist-samples",
)

# %% [markdown]
# ## Pixels that a model can use
#
# A model multiplies pixels by weights, and learns in small steps. With inputs in the hundreds every step is a leap, and
# [training](03_training.ipynb) needs tiny ones. Two changes put that right.
#
# * **Scaling** divides by 255, so that values lie between 0 and 1.
# * **Standardising** subtracts the mean and divides by the standard deviation. Values then lie around 0, with spread 1.
#
# Which mean, which deviation? Those of all training pixels. The test images must influence no choice, not even this one.

# %%
pixels = data.train.images / 255
print(f"mean {pixels.mean():.4f}, standard deviation {pixels.std():.4f}")

# %% [markdown]
# These are the two numbers that you will meet wherever MNIST is used: 0.1307 and 0.3081. Now you know where they come from.


# %%
def standardise(images):
    return (images / 255 - 0.1307) / 0.3081


inputs = standardise(data.train.images)
torch.testing.assert_close(inputs, datasets.standardise(data.train))
standardise(torch.tensor([0, 255]))

# %% [markdown]
# The package's own `standardise` gives the same, and later chapters use it. Look at what became of the two ends: full ink is almost 3, and
# **blank paper is no longer 0**. Remember that number below zero. In [The model](02_model.ipynb) blank paper will have a say.

# %% tags=["remove-input"]
# @title The sentences above, guarded
statistics = exploration.pixel_statistics(data.train.images)
mean, std = statistics.mean.item(), statistics.std.item()
rounded = [round(mean, 4), round(std, 4)]
expect("the two numbers", rounded, equals=[0.1307, 0.3081])

# %% [markdown]
# ## The split
#
# You will try settings and keep the best. Whoever does that on the test images has chosen with them, and no longer knows how good the
# result is. So hold out some training images to choose with: the **validation** images. Chance decides once which these are, and
# the seed fixes it.

# %%
train, validation = datasets.split(data.train, validation_split, seed)

# %% tags=["hide-input"]
# @title Figure: the split
from tutorial_utils.plots.data import split_bar

sizes = {"training": len(train), "validation": len(validation)}
show(
    split_bar(sizes | {"test": len(data.test)}),
    caption="All images, by what they are for.",
    alt="One bar in three pieces: most of it training images, then a narrow"
    " piece of validation images and a wider one of test images.",
    name="fig-mnist-split",
)

# %% [markdown]
# The training images change the model. The validation images tell you how it does on digits that it never learnt from, as often as you
# like. The test images wait until nothing is left to choose.
#
# ### Batches, and who is shuffled
#
# Training takes a handful of images at a time, a **batch**. The usual tool is PyTorch's `DataLoader`: it picks images one by one and
# stacks them.

# %%
from torch.utils.data import DataLoader, TensorDataset

samples = TensorDataset(standardise(train.images), train.labels)
loader = DataLoader(samples, batch_size=batch_size, shuffle=True)
images, labels = next(iter(loader))
images.shape, labels.shape

# %% [markdown]
# | axis of `images` | size | what it counts |
# |---|---|---|
# | 0 | 64 | images in the batch |
# | 1 | 1 | colour channels: one, for grey; a colour picture has three |
# | 2 | 28 | rows of pixels |
# | 3 | 28 | columns of pixels |
#
# So an image is 28 x 28 = 784 numbers. Labels have one axis, one number from 0 to 9 for each image.
#
# | images | shuffled? | why |
# |---|---|---|
# | training | yes, anew in every epoch | updates should not depend on the order of the files |
# | validation | no | a mean does not depend on order |
# | test | no | predictions must stay beside their labels; they are loaded once, at the end |
#
# A `DataLoader` has two settings that tutorials like to set. `num_workers` fetches images in other processes, which pays when fetching one
# is slow. `pin_memory` helps a graphics card to fetch batches, and does nothing without one. All of MNIST fits into memory, so this book
# needs neither. It cuts batches straight from the tensor. They are the same batches, [and faster](../claims/03_timing.ipynb):

# %%
from tutorial_utils.training.batches import training_batches

batches, _ = training_batches(data.train, config)
len(loader), len(batches)

# %% tags=["remove-input"]
# @title The sentences above, guarded
expect("an image is 784 numbers", images[0].numel(), equals=784)
expect("the batches are as many", len(batches), equals=len(loader))

# %% [markdown]
# ## Is every digit equally frequent?
#
# If one digit were rare, a model could ignore it and still look good. With equal shares, each would have 6,000 training images and
# 1,000 test images. Count them.

# %%
counts = data.train.labels.bincount()
test_counts = data.test.labels.bincount()

# %% tags=["hide-input"]
# @title Table: images of each digit
import pandas as pd

columns = {"digit": range(10), "training": counts, "test": test_counts}
table(pd.DataFrame(columns), {"training": ",", "test": ","})

# %% tags=["hide-input"]
# @title Figure: the share of each digit
from tutorial_utils.plots.data import class_bars

parts = {"training": counts.tolist(), "test": test_counts.tolist()}
show(
    class_bars(parts, [str(digit) for digit in range(10)]),
    caption="Share of each digit among the training and the test images.",
    alt="Paired bars for the digits 0 to 9, all near the dashed line of equal"
    " shares; the highest is 1, the lowest 5.",
    name="fig-mnist-classes",
)

# %% [markdown]
# The 1 is the most common and the 5 the rarest, by a factor of about one and a quarter. That is balanced enough. The bars also tell you
# what *no* skill is worth: a model that always answers 1 is right for about one image in nine. Any accuracy should be read against that.

# %% tags=["remove-input"]
# @title The sentences above, guarded
published = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
expect("the counts are the published ones", counts, equals=published)
factor = counts.max() / counts.min()
expect("the factor is about one and a quarter", factor, between=(1.2, 1.3))
always = test_counts[1] / test_counts.sum()
expect("always 1 is right for one in nine", always, between=(0.105, 0.117))

# %% [markdown]
# ## Where the ink is
#
# How much of these pictures is blank? Say first.

# %% tags=["remove-input"]
# @title Predict
from tutorial_utils.lessons.questions import ask, choice, number, predict

blank = (data.train.images == 0).float().mean(dim=(1, 2, 3))
guesses = {"a third": 1 / 3, "half": 1 / 2, "four fifths": 4 / 5}
zero_share = blank.double().mean().item()
nearest = min(guesses, key=lambda guess: abs(guesses[guess] - zero_share))
ask(
    [
        predict(
            "Which share of all training pixels is exactly 0?",
            list(guesses),
            correct=nearest,
            because=f"the share is {percent(zero_share, 1)}.",
        )
    ]
)

# %% [markdown]
# Now look at it pixel by pixel. For each of the 784 places, take the mean and the standard deviation over all training images.

# %%
mean_image, std_image = pixels.mean(dim=0)[0], pixels.std(dim=0)[0]
never = mean_image == 0
never.sum()

# %% tags=["hide-input"]
# @title Figure: mean and standard deviation of every pixel
from tutorial_utils.plots.data import heat_images

show(
    heat_images([mean_image, std_image], ["mean", "standard deviation"]),
    caption="Mean (left) and standard deviation (right) of every pixel over the"
    " training images, for pixels between 0 and 1.",
    alt="Two heat maps of 28 by 28 pixels: a bright blob in the middle, and a"
    " larger, flatter one; the corners are dark.",
    name="fig-mnist-mean-image",
)

# %% [markdown]
# The left picture shows where ink usually is, the right one where it sometimes is. Out to five pixels from the middle
# digits differ about equally, then less and less. In the corners nobody writes, and at the places counted above no training image has any ink. Such a pixel tells digits apart no better than a constant. You
# meet them again when you look at weights. Nearly nine tenths of all variance lie within ten pixels of the centre.
#
# Do you need all 60,000 images for such numbers? Compare with the first thousand, after standardising.

# %%
first = inputs[:1000]
for name, some in (("first 1,000", first), ("all 60,000", inputs)):
    print(f"{name}: mean {some.mean():+.4f}, deviation {some.std():.4f}")

# %% [markdown]
# A thousand images come within about a hundredth. For a first look that is enough.

# %% tags=["remove-input"]
# @title The sentences above, guarded
axis = (torch.arange(28) - 13.5).square()
radius = (axis[:, None] + axis).sqrt()
variance = std_image.double().square()
near = (variance[radius <= 10].sum() / variance.sum()).item()
expect("nearly nine tenths lie within ten pixels", near, between=(0.86, 0.9))
ratio = variance[radius.int() == 4].mean() / variance[radius < 4].mean()
expect("they differ about equally", ratio, between=(0.9, 1.1))
first_mean, first_std = first.mean().item(), first.std().item()
off = max(abs(first_mean), abs(first_std - 1))
expect("a thousand come within a hundredth", off, below=0.0125)
expect("the published deviation", round(first_std, 4), equals=0.9904)

# %% [markdown]
# ## The average of each digit
#
# Average all images of a digit, and you see what they have in common. For comparison, average only ten as well.

# %%
by_digit = [pixels[data.train.labels == digit, 0] for digit in range(10)]
averages = torch.stack([group.mean(dim=0) for group in by_digit])
of_ten = torch.stack([group[:10].mean(dim=0) for group in by_digit])

# %% tags=["hide-input"]
# @title Figure: average images
titles = [f"{digit}, {how}" for how in ("ten", "all") for digit in range(10)]
show(
    image_grid(torch.cat([of_ten, averages]), titles, limits=(0, 1)),
    caption="Average image of each digit: of its first ten training images"
    " (two upper rows), and of all (two lower rows).",
    alt="Twenty average digits. Those of ten images are patchy; those of all"
    " are smooth, sharp in the 0 and the 1, blurred in the 4, 5 and 8.",
    name="fig-mnist-averages",
)

# %% [markdown]
# Where an average is sharp, everyone puts the stroke in the same place. Where it is blurred, strokes move. The 0 has a clear hole, while the 5 is
# little more than a smear: there are many ways to write it. That is a first answer to our question. Here is a second: which averages lie
# closest to each other?

# %%
distances = torch.cdist(averages.flatten(1), averages.flatten(1))
pairs = [(a, b) for a in range(10) for b in range(a)]
pairs.sort(key=lambda pair: distances[pair])
pairs[:4]

# %% [markdown]
# The 5 and the 3 are among the four closest pairs. See what is left to tell them apart: subtract one average from the other.

# %%
difference = averages[5] - averages[3]

# %% tags=["hide-input"]
# @title Figure: the average 5 minus the average 3
from tutorial_utils.plots.model import evidence_images

outlines = [None, by_digit[5][0], by_digit[3][0]]
titles = ["5 minus 3", "with a 5", "with a 3"]
show(
    evidence_images([difference] * 3, titles, outlines=outlines),
    caption="The average 5 minus the average 3. Blue: more ink in the 5; red:"
    " more ink in the 3. Outlined: the first 5 and the first 3 of the file.",
    alt="Three times the same map. Blue: a neck on the left of the upper half,"
    " and a spot at the top right. Red: an arc at the top and a spot on the"
    " right, above the middle. The lower half is pale.",
    name="fig-mnist-five-minus-three",
)

# %% [markdown]
# The upper half decides. A 5 has its neck on the left, and its bar runs out to the top right. A 3 has its upper bow on the right. Below, the
# two are much alike. Now imagine a 5 whose neck leans to the right.

# %% tags=["remove-input"]
# @title The sentences above, guarded
rank = sorted(pairs, key=lambda pair: distances[pair]).index((5, 3)) + 1
expect("5 and 3 are among the four closest pairs", rank, below=5)
neck, bow = difference[7:14, 6:13].mean(), difference[7:13, 15:21].mean()
expect("the 5 has its neck on the left", neck, above=0.05)
expect("the 3 its bow on the right", bow, below=-0.05)
upper, lower = difference[4:15].abs().mean(), difference[18:26].abs().mean()
expect("below, the two are much alike", lower / upper, below=0.7)
expect("the 5 is blurred", averages[5].max(), below=0.7)

# %% [markdown]
# ## Are there bad images?
#
# **Brightness** is the mean pixel of an image, **contrast** the standard deviation of its pixels. In a digit, both mostly measure how
# much ink there is. Their extremes are worth seeing: faults of the scanner, or bold and thin hands?

# %%
brightness = pixels.mean(dim=(1, 2, 3))
contrast = pixels.std(dim=(1, 2, 3))

# %% tags=["hide-input"]
# @title Figure: brightness and contrast
from tutorial_utils.plots.data import histograms

show(
    histograms({"brightness": brightness, "contrast": contrast}),
    caption="Brightness and contrast of the training images.",
    alt="Two histograms with one hump each, and a dashed line at the median.",
    name="fig-mnist-quality",
)

# %% tags=["hide-input"]
# @title Figure: the extremes
by_ink, by_contrast = brightness.argsort(), contrast.argsort()
ends = (by_ink[-5:], by_ink[:5], by_contrast[:5], by_contrast[-5:])
ends = torch.cat(ends)
shown = data.train.labels[ends]
names = ["bold", "faint", "low contrast", "high contrast"]
titles = [f"{names[k // 5]}: {label}" for k, label in enumerate(shown)]
show(
    image_grid(data.train.images[ends, 0], titles),
    caption="The five boldest and the five faintest images, and the five of"
    " lowest and of highest contrast, with their labels.",
    alt="Four rows of five digits: very bold ones, very thin ones, mostly ones,"
    " thin ones again, and bold ones.",
    name="fig-mnist-outliers",
)

# %% [markdown]
# Bold and thin hands, still legible; no image is blank. The faintest are nearly all ones, because a 1 is a single stroke. So brightness says more about
# the digit than about the scanner. And no two images are the same, pixel by pixel, not even across training and test set.
#
# Last, are the digits where they should be? Take the centre of mass of each image, and ask how far 95 % of them lie from the mean of all.

# %%
centres = exploration.centre_of_mass(data.train.images)
offset = (centres - centres.mean(dim=0)).norm(dim=1).quantile(0.95)
offset

# %% [markdown]
# Less than a pixel. The same pixel means the same place in every image, at least for the digit as a whole. Slant is another matter.

# %% tags=["remove-input"]
# @title The sentences above, guarded
every = torch.cat([data.train.images, data.test.images])
duplicates = len(exploration.duplicate_groups(every))
expect("95 % lie within a pixel", offset, below=0.9)
expect("no two images are the same", duplicates, equals=0)
expect("no image is blank", brightness.min(), above=0.001)
faint = (data.train.labels[by_ink[:100]] == 1).float().mean()
expect("the faintest are nearly all ones", faint, above=0.9)

# %% [markdown]
# ## From observations to decisions
#
# | what you saw | what follows | decision |
# |---|---|---|
# | raw values run from 0 to 255 | gradients grow with the inputs, so the right learning rate shrinks | scale and standardise |
# | classes are nearly balanced | no class can be ignored cheaply | plain cross-entropy, no class weights |
# | contrast is good, no image is blank | no image needs repair | the same treatment for all |
# | digits are centred | the same pixel means the same place | no alignment; slant stays |
# | a digit puts its ink in the same places | adding up evidence pixel by pixel can work | a simple model first, no augmentation |
#
# Each of these is an assumption until it is tested. [Training](03_training.ipynb) shows what unstandardised inputs do, and
# [Error analysis](05_error_analysis.ipynb) what slant costs. Published tutorials draw such conclusions, too;
# [Claims about MNIST](../claims/01a_mnist_data_and_model.ipynb) measures whether they hold.
#
# ## The libraries of this book
#
# | library | what for | where |
# |---|---|---|
# | PyTorch (`torch`) | tensors, gradients, models, training | every chapter |
# | NumPy | arrays, where statistics want them | evaluation, claims, and inside the package |
# | pandas | tables | evaluation, error analysis, and the tables on every page |
# | matplotlib | figures | every chapter |
# | seaborn | bars, histograms, heat maps and scatter, drawn with matplotlib | inside the package's figures |
# | SciPy | distributions, tests, optimisers | evaluation, error analysis, claims, and inside the package |
# | scikit-learn | metrics, baselines, ready-made models to compare with | evaluation, foundations, claims |
# | statsmodels | intervals of proportions, corrections for many tests | inside the package: every interval of a share |
# | torchvision | the same data sets and transforms, ready-made | CIFAR-10, and the chapter about time |
#
# You need none of them before the page where it appears.
#
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# One epoch of 54,000 images in batches of 64: how many batches, and how many images has the last? Put both in place of the dots.

# %% tags=["remove-cell"]
# @title What the check of exercise 1 compares with
last = len(list(batches)[-1][1])

# %%
from tutorial_utils.lessons import checks

how_many, in_the_last = ..., ...
hint = "divide 54,000 by 64; what is left makes a batch, too"
checks.answer(how_many, len(batches), tolerance=0.5, hint=hint)
checks.answer(in_the_last, last, tolerance=0.5, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# 54,000 = 843 x 64 + 48: 843 full batches, and one of 48. The loader agrees.
len(batches), last

# %% [markdown]
# ### Exercise 2 ★ Predict, then run
#
# Standardise an image that is blank everywhere. What is its mean? Write down your prediction, then put the number in place of the dots.

# %%
your_mean = ...
right = standardise(torch.zeros(28, 28)).mean()
checks.answer(your_mean, right, tolerance=0.01, hint="(0 - mean) / deviation")

# %% tags=["hide-cell"]
# @title Solution
# Each pixel becomes (0 - 0.1307) / 0.3081. The mean 0 holds for all training
# images together, and not for each of them.
right

# %% [markdown]
# ### Exercise 3 ★★ Undo the standardisation
#
# Write `to_pixels(standardised)`, which gives back the whole numbers from 0 to 255, as `torch.uint8`.


# %%
def to_pixels(standardised):
    return standardised  # write it here


row = data.train.images[0, 0, 14]  # of the first image
checks.function(to_pixels, lambda x: row, [(standardise(row),)])


# %% tags=["hide-cell"]
# @title Solution
# Backwards: times the deviation, plus the mean, times 255, and round.
def my_to_pixels(standardised):
    return ((standardised * 0.3081 + 0.1307) * 255).round().to(torch.uint8)


assert torch.equal(my_to_pixels(inputs[:10]), data.train.images[:10])

# %% [markdown]
# ### Exercise 4 ★★★ Classify by the nearest average
#
# The simplest classifier compares an image with the ten averages and answers with the nearest. Take averages of the *training* part only.
# Which share of the validation images does it read correctly? It is the first number that the model has to beat.

# %% tags=["remove-cell"]
# @title What the check of exercise 4 compares with
own = exploration.class_means(train).flatten(1)
flat = validation.images.flatten(1).double() / 255
answers = torch.cdist(flat, own).argmin(dim=1)
share_right = (answers == validation.labels).double().mean().item()

# %%
your_share = ...  # a fraction, such as 0.5
hint = "torch.cdist gives all distances, argmin(dim=1) the nearest"
checks.answer(your_share, share_right, tolerance=0.005, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
ink = train.images[:, 0] / 255
means = torch.stack([ink[train.labels == d].mean(dim=0) for d in range(10)])
away = torch.cdist((validation.images / 255).flatten(1), means.flatten(1))
(away.argmin(dim=1) == validation.labels).float().mean()

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
sets = {
    "training images": "",
    "training and test images": "Then the test images have had a say.",
    "each image by itself": "That would wipe out how bold a hand is.",
}
lowest = standardise(torch.zeros(1)).item()
ask(
    [
        choice(
            "What does the second axis of a batch count?",
            ["images", "colour channels", "rows of pixels"],
            correct="colour channels" if images.shape[1] == 1 else "",
            because=f"the shape is {tuple(images.shape)}.",
        ),
        number(
            "What does a blank pixel become when standardised? (One decimal.)",
            answer=lowest,
            tolerance=0.06,
            form=".2f",
            because="(0 - 0.1307) / 0.3081.",
        ),
        choice(
            "From which images may mean and deviation be taken?",
            sets,
            correct="training images",
            because="test images must influence no choice.",
        ),
        choice(
            "You shuffle predictions of the test images, but not their labels."
            " What happens to the accuracy?",
            {
                "nothing": "Each prediction now meets another image's label.",
                "it falls to about one in ten": "",
                "it falls to zero": "By chance some labels still fit.",
            },
            correct="it falls to about one in ten",
            because="a prediction then meets the label of a random image.",
            sure=True,
        ),
        choice(
            "Which part of the picture tells the average 5 from the average 3?",
            ["the upper half", "the lower half", "the border"],
            correct="the upper half" if upper > lower else "the lower half",
            because="neck on the left, or bow on the right; below they agree.",
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [LeCun et al. 1998](https://doi.org/10.1109/5.726791) describe how MNIST was made, and what many methods reach on it.
# * [Yadav and Bottou 2019](https://arxiv.org/abs/1905.10498) retrace where its images come from.
#
# You know where the ink lies, and that a leaning neck is all that makes a 5 out of a 3. Can adding up single pixels notice that?
# [The model](02_model.ipynb) does nothing else.

# %% tags=["remove-cell"]
# @title The results file
from tutorial_utils.report import results

metrics = {
    "class_counts_train": counts, "class_counts_test": test_counts,
    "mean": mean, "std": std,
    "first_1000_mean": first_mean, "first_1000_std": first_std,
    "zero_share_first_1000": blank[:1000].double().mean(),
    "zero_share": zero_share, "never_inked_pixels": never.sum(),
    "variance_within_10_pixels": near,
    "contrast_variation": contrast.std() / contrast.mean(),
    "centre_offset_95": offset, "duplicate_groups": duplicates,
    "nearest_average_accuracy": share_right,
}  # fmt: skip
settings = {"dataset", "seed", "batch_size", "validation_split"}
path = results.write(
    "mnist/01_eda",
    parameters=config.model_dump(include=settings),
    metrics=metrics,
    data_hash=data.fingerprint,
)
