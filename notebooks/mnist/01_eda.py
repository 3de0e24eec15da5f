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
# Before any model, look at the data. This chapter loads 70,000 handwritten digits, draws and counts them, and
# ends with a table that turns each observation into a decision for the model.
#
# **After this chapter you can**
#
# * load MNIST, and say what each axis of a batch of images means;
# * standardise pixels, and show where the numbers 0.1307 and 0.3081 come from;
# * split off validation data, and say which data are shuffled and why;
# * describe a set of images by counts, averages, variation and quality, and find its outliers;
# * turn what you saw into decisions, and test whether they follow.
#
# **You need** Python and arrays, mean and standard deviation. Words about the model that come up early (weights, learning rate, loss) are
# explained in the next two chapters.

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
validation_split: float = 0.1  # share of training images held out, between 0 and 1

# %%
from tutorial_utils.training.config import TrainingConfig

config = TrainingConfig(
    dataset=dataset, seed=seed, batch_size=batch_size, validation_split=validation_split
)

# %% [markdown]
# (mnist-prerequisites)=
# ## The libraries, and what each is for
#
# | library | what for | where |
# |---|---|---|
# | PyTorch (`torch`) | tensors, gradients, the model, training | every chapter |
# | torchvision | the same data as a ready-made `Dataset`, shown once beside ours | this chapter |
# | NumPy | arrays between PyTorch and the statistics | every chapter |
# | pandas | tables | every chapter |
# | matplotlib | figures | every chapter |
# | seaborn | bars, histograms, scatter and heat maps, drawn with matplotlib | most chapters |
# | scikit-learn | metrics, baselines | evaluation |
# | SciPy | distributions and tests | evaluation, error analysis |
# | statsmodels | intervals of proportions | evaluation, error analysis |
#
# (The published tutorial {cite}`researchscientistpod` lists the last two and never uses them, and leaves PyTorch itself
# out of its installation.)

# %%
from tutorial_utils.plots.style import use_book_style

use_book_style()

# %% [markdown]
# (mnist-what-it-is)=
# ## What MNIST is
#
# MNIST is 70,000 grey images of single handwritten digits, 60,000 to train on and 10,000 to test on. Each has 28 x 28
# pixels from 0 (black) to 255 (white), the digit light on a dark ground; the figures here are drawn the other way
# round, as on paper. The digits were scaled into a box of 20 x 20 pixels and moved so that their centre of mass lies in the
# middle {cite}`lecun1998`.
#
# People write differently: the stroke is thick or thin, the shape open or closed, the digit upright or slanted, and
# scanning adds noise. That variation is what a model has to see through.
#
# The task is small enough to train in seconds, and softmax regression does respectably on it: a digit puts its ink in
# roughly the same places each time. Since 1998 many methods of image classification have been tried on it. That makes
# it a good place to learn, and a poor place to show that a new method is better: good ones differ by a few test images.

# %%
import torch
from torchvision import datasets as torchvision_datasets
from torchvision import transforms

from tutorial_utils.data import datasets, exploration
from tutorial_utils.report.narrate import p_value, percent, say, table

data = datasets.load(config.dataset)
description = data.description
reference = torchvision_datasets.MNIST(datasets.data_root(), train=True)
assert torch.equal(reference.data, data.train.images.squeeze(1))
assert torch.equal(reference.targets, data.train.labels)
say(
    f"{len(data.train):,} training and {len(data.test):,} test images, every file"
    " checked against a pinned checksum. torchvision reads the same files and finds"
    f" the same images. Pixels run from {data.train.images.min()} to"
    f" {data.train.images.max()}."
)

# %% [markdown]
# (mnist-preprocessing)=
# ## Loading and preprocessing
#
# Three steps turn stored pixels into what a model can use. **Scaling** divides by 255, so that values lie in [0, 1].
# **Standardising** subtracts the mean and divides by the standard deviation, so that they lie around 0 with spread 1.
# **Splitting** holds out a share for validation. The two constants that everyone uses for MNIST are 0.1307 and 0.3081.
# They can be computed:

# %%
train_statistics = exploration.pixel_statistics(data.train.images)
mean, std = train_statistics.mean.item(), train_statistics.std.item()
scaled = data.train.images.float().div_(255)
torch.testing.assert_close((mean, std), (scaled.mean().item(), scaled.std().item()))
del scaled
assert (round(mean, 4), round(std, 4)) == (description.mean[0], description.std[0])
say(
    f"Mean {mean:.6f} and standard deviation {std:.6f} over all training pixels:"
    " rounded, 0.1307 and 0.3081."
)

# %% [markdown]
# Only training images are used for this. The test images must not influence any choice, not even this one.
#
# The usual way to serve images is a `DataLoader`: it fetches them one by one, transforms each, and stacks them into
# batches. Here is that way:

# %%
from torch.utils.data import DataLoader, random_split

from tutorial_utils.reproducibility import make_generator

transform = transforms.Compose(
    [transforms.ToTensor(), transforms.Normalize(description.mean, description.std)]
)
whole = torchvision_datasets.MNIST(
    datasets.data_root(), train=True, transform=transform
)
num_validation = round(config.validation_split * len(whole))
train_part, validation_part = random_split(
    whole,
    [len(whole) - num_validation, num_validation],
    generator=make_generator(config.seed, "eda"),
)
train_loader = DataLoader(train_part, batch_size=config.batch_size, shuffle=True)
validation_loader = DataLoader(validation_part, batch_size=config.batch_size)
test_set = torchvision_datasets.MNIST(
    datasets.data_root(), train=False, transform=transform
)
test_loader = DataLoader(test_set, batch_size=config.batch_size)

# %%
table(
    [
        {"loader": "training", "images": len(train_part), "batches": len(train_loader), "shuffled": "yes",
         "why": "updates should not depend on the order of the files"},
        {"loader": "validation", "images": len(validation_part), "batches": len(validation_loader),
         "shuffled": "no", "why": "a mean does not depend on the order"},
        {"loader": "test", "images": len(test_set), "batches": len(test_loader), "shuffled": "no",
         "why": "predictions must stay beside their labels"},
    ],
    {"images": ",", "batches": ","},
)  # fmt: skip

# %% [markdown]
# A `DataLoader` has two more settings that tutorials like to set. `num_workers` fetches in separate processes, which pays
# when fetching one image is slow, and costs time to start when it is not. `pin_memory` keeps batches where a graphics card can
# fetch them quickly, and does nothing without one. Both are left at their defaults here.
#
# This book goes another way. The whole of MNIST fits into memory as one tensor, so batches can be cut out of it
# directly. It is the same data without fetching image by image, and the training chapter uses it. It gives the same pixels:

# %%
from tutorial_utils.training.batches import training_batches

train, validation = training_batches(data.train, config)
ours = datasets.standardise(data.train.subset(torch.arange(100)))
theirs = torch.stack([whole[index][0] for index in range(100)])
torch.testing.assert_close(ours, theirs)
say(
    f"{train.num_images:,} images to train on and {validation.num_images:,} to validate"
    f" on, in {len(train):,} training batches of {config.batch_size}. The first hundred"
    " images agree with the transforms of torchvision."
)

# %% [markdown]
# (mnist-samples)=
# ## A look at the images
#
# Twenty-five training images drawn at random, with their labels. Look for strokes that are thick and thin, for slant, and for
# digits that you would have to read twice.

# %% mystnb={"figure": {"caption": "Twenty-five training images drawn at random, with their labels.", "name": "fig-mnist-samples"}, "image": {"alt": "A five by five grid of handwritten digits in dark ink on a light ground, each with its label above."}}
from tutorial_utils.plots.data import (
    boxes,
    class_bars,
    heat_images,
    histograms,
    image_grid,
)
from tutorial_utils.plots.training import compare_curves

chosen = torch.randperm(
    len(data.train), generator=make_generator(config.seed, "samples")
)[:25]
axes = image_grid(
    data.train.images[chosen, 0],
    [description.class_names[label] for label in data.train.labels[chosen]],
)

# %% [markdown]
# (mnist-batch-shape)=
# ### One batch, axis by axis

# %%
images, labels = next(iter(train))
axes_of_a_batch = (
    "images in the batch",
    "colour channels: one, for grey",
    "rows of pixels",
    "columns of pixels",
)
table(
    [
        {"axis": axis, "size": size, "what it counts": meaning}
        for axis, (size, meaning) in enumerate(
            zip(images.shape, axes_of_a_batch, strict=True)
        )
    ]
)

# %% tags=["hide-input"]
channels, height, width = description.image_shape
train_counts, test_counts = (
    exploration.class_counts(data.train),
    exploration.class_counts(data.test),
)
table(
    [
        {"what": "training images", "value": f"{len(data.train):,}"},
        {"what": "test images", "value": f"{len(data.test):,}"},
        {"what": "image size", "value": f"{height} x {width} = {height * width} pixels"},
        {"what": "classes", "value": f"{description.num_classes}, the digits 0 to 9"},
        {"what": "training images per class",
         "value": f"6,000 nominally, really {train_counts.min():,} to {train_counts.max():,}"},
        {"what": "test images per class",
         "value": f"1,000 nominally, really {test_counts.min():,} to {test_counts.max():,}"},
        {"what": "labels of this batch", "value": f"{labels.dtype}, shape {tuple(labels.shape)}"},
    ]
)  # fmt: skip

# %% [markdown]
# (mnist-class-distribution)=
# ## Is every digit equally frequent?
#
# If one digit were rare, a model could ignore it and still look good. Count them. Then a **chi-squared test** asks whether chance alone could make
# counts this uneven; its p-value is the probability of counts at least as uneven if all digits were equally likely.

# %%
published_counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
assert train_counts.tolist() == published_counts
table(
    [
        {"digit": digit, "training": train_counts[digit], "share": train_counts[digit] / len(data.train),
         "published": published_counts[digit], "test": test_counts[digit],
         "test share": test_counts[digit] / len(data.test)}
        for digit in range(10)
    ],
    {"training": ",", "share": ".2%", "published": ",", "test": ",", "test share": ".2%"},
)  # fmt: skip

# %% mystnb={"figure": {"caption": "Share of each digit among the training and the test images; the dashed line marks equal shares.", "name": "fig-mnist-classes"}, "image": {"alt": "Paired bars for each digit from 0 to 9, the share among training images beside the share among test images, near a dashed line at ten per cent."}}
ax = class_bars(
    {"training": train_counts, "test": test_counts}, description.class_names
)

# %% tags=["hide-input"]
from scipy import stats

shares = train_counts / train_counts.sum()
p_equal = stats.chisquare(train_counts).pvalue
p_same = stats.chi2_contingency([train_counts, test_counts]).pvalue
rarest, commonest = int(shares.argmin()), int(shares.argmax())
say(
    f"Our counts are the published ones, digit by digit. The rarest digit is {rarest}"
    f" ({percent(shares.min(), 1)}), the most common {commonest}"
    f" ({percent(shares.max(), 1)}). With so many images the shares are surely not"
    f" equal (chi-squared test, p-value {p_value(p_equal)}), but the largest class is only"
    f" {shares.max() / shares.min():.2f} times the smallest. Training and test shares"
    f" do not differ more than chance would make them (p-value {p_value(p_same)}).",
    "A small p-value says that a difference is real, not that it matters. For training,"
    " this balance is good enough.",
)

# %% [markdown]
# (mnist-pixel-statistics)=
# ## The average image, and where images vary
#
# For each pixel, take the mean and the standard deviation over all training images. The first shows where ink usually is, the second
# where it sometimes is. Each picture comes from scaled pixels in [0, 1]. (Averaging *standardised* pixels would give negative
# values, which the published figure shows as if it were an image.)

# %% mystnb={"figure": {"caption": "Mean (left) and standard deviation (right) of every pixel over the training images, for pixels in [0, 1].", "name": "fig-mnist-mean-image"}, "image": {"alt": "Two heat maps of 28 by 28 pixels: the mean image, a bright blob in the middle, and the standard deviation image, a bright ring around a slightly darker centre."}}
axes = heat_images(
    [train_statistics.mean_image[0], train_statistics.std_image[0]],
    ["mean", "standard deviation"],
)

# %% [markdown]
# How does variation depend on the distance from the centre? Averaged over rings:

# %% mystnb={"figure": {"caption": "Mean and standard deviation of pixels by distance from the centre, each scaled to its own largest value.", "name": "fig-mnist-radial"}, "image": {"alt": "Two falling curves against the distance from the centre in pixels: the mean of the pixels and their standard deviation."}}
radius, mean_profile = exploration.radial_profile(train_statistics.mean_image[0])
_, std_profile = exploration.radial_profile(train_statistics.std_image[0])
ax = compare_curves(
    {
        "mean": (radius, mean_profile / mean_profile.max()),
        "standard deviation": (radius, std_profile / std_profile.max()),
    },
    xlabel="distance from the centre (pixels)",
    ylabel="share of the largest value",
    marked=True,
    ylim=(0, None),
)

# %% tags=["hide-input"]
zero = data.train.images == 0
zero_first, zero_all = (
    part.sum().item() / part.numel() for part in (zero[:1_000], zero)
)
del zero
never = int((data.train.images.amax(dim=0) == 0).sum())
variance = train_statistics.std_image[0].square()
rows, columns = torch.meshgrid(
    torch.arange(28) - 13.5, torch.arange(28) - 13.5, indexing="ij"
)
central = (
    variance[(rows.square() + columns.square()).sqrt() <= 10].sum() / variance.sum()
)
say(
    f"{percent(zero_first, 1)} of the pixels of the first 1,000 images are exactly 0,"
    f" and {percent(zero_all, 1)} of all. {never} of the {height * width} pixels are"
    " never inked at all: standardised, they hold the same constant in every image,"
    " and act together as one more bias. Within 10 pixels of the centre lies"
    f" {percent(central.item(), 0)} of the variance."
)

# %% [markdown]
# The published tutorial computes the statistics of standardised pixels from the first 1,000 images. How far is that from all
# 60,000?

# %% tags=["hide-input"]
standardised = datasets.standardise(data.train)
first = standardised[:1_000]
first_mean, first_std = first.mean(dtype=torch.float64).item(), first.std().item()
all_mean = standardised.mean(dtype=torch.float64).item()
all_std = standardised.std().item()
del standardised
say(
    f"First 1,000 images: mean {first_mean:.5f}, standard deviation {first_std:.4f}"
    f" (published: 0.9904). All images: mean {all_mean:.5f}, standard deviation"
    f" {all_std:.4f}. A thousand images get within about one per cent; the exact values"
    " are 0 and 1 by construction, up to the rounding of the two constants."
)

# %% [markdown]
# (mnist-digit-averages)=
# ## The average of each digit
#
# The average image of a digit is what its images have in common. The published figure averages ten images of each; here are ten
# and all, one above the other. Sharp regions are strokes that everyone draws in the same place, blurred regions are
# strokes that move.

# %% mystnb={"figure": {"caption": "Average image of each digit: from its first ten training images (top two rows) and from all of them (bottom two rows).", "name": "fig-mnist-averages"}, "image": {"alt": "Twenty average digits in four rows of five: the digits 0 to 9 averaged over ten images each, patchy, and below them the digits averaged over all images, smooth and blurred at the ends of strokes."}}
ten = torch.cat([(data.train.labels == digit).nonzero()[:10, 0] for digit in range(10)])
few_means = exploration.class_means(data.train.subset(ten))
all_means = exploration.class_means(data.train)
axes = image_grid(
    torch.cat([few_means, all_means])[:, 0],
    [f"{digit}, n = 10" for digit in range(10)]
    + [f"{digit}, n = {count:,}" for digit, count in enumerate(train_counts)],
    limits=(0, 1),
)

# %%
within = torch.stack(
    [
        exploration.pixel_statistics(data.train.images[data.train.labels == digit])
        .std_image[0]
        .square()
        .mean()
        for digit in range(10)
    ]
)
order = within.argsort().tolist()

# %%
noise_share = (few_means - all_means).square().mean(dim=(1, 2, 3)) / (within / 10)
draw = make_generator(config.seed, "ten of each digit")
random_ten = torch.cat(
    [
        (data.train.labels == digit).nonzero()[
            torch.randperm(count, generator=draw)[:10], 0
        ]
        for digit, count in enumerate(train_counts.tolist())
    ]
)
random_means = exploration.class_means(data.train.subset(random_ten))
random_share = (random_means - all_means).square().mean(dim=(1, 2, 3)) / (within / 10)

# %% tags=["hide-input"]
say(
    f"The digit that varies least is {order[0]}, then {order[1]}; those that vary most"
    f" are {order[-1]} and {order[-2]} (mean variance of a pixel within the class, from"
    f" {within.min():.3f} to {within.max():.3f}).",
    "Ten images make a rough average. For ten images drawn at random, theory expects a"
    " squared error of a tenth of the variance within the class; a random draw"
    f" measures {random_share.mean():.2f} times that. The first ten of each digit"
    f" measure {noise_share.mean():.2f} times that: they are not a random draw, because"
    " neighbours in the file tend to come from few writers.",
)

# %% [markdown]
# (mnist-quality)=
# ## Image quality
#
# **Brightness** is the mean pixel of an image, **contrast** the standard deviation of its pixels. For a digit, both mostly measure how
# much ink there is.

# %% mystnb={"figure": {"caption": "Distribution of brightness and contrast over the training images, with medians.", "name": "fig-mnist-quality"}, "image": {"alt": "Two histograms with one hump each: the brightness and the contrast of the training images, a dashed line at each median."}}
bright = exploration.brightness(data.train.images)
contrasted = exploration.contrast(data.train.images)
axes = histograms({"brightness": bright, "contrast": contrasted})

# %% mystnb={"figure": {"caption": "Brightness by digit. Boxes span the middle half, whiskers the middle 90 %.", "name": "fig-mnist-brightness"}, "image": {"alt": "Ten box plots of brightness, one per digit; the box of digit 1 lies lowest."}}
ax = boxes(
    {str(digit): bright[data.train.labels == digit] for digit in range(10)},
    ylabel="brightness (mean pixel in [0, 1])",
)

# %% [markdown]
# The extremes are worth seeing: are they errors of scanning, or just bold and thin hands?

# %% mystnb={"figure": {"caption": "The five darkest-inked, the five faintest, the five of lowest and the five of highest contrast.", "name": "fig-mnist-outliers"}, "image": {"alt": "Four rows of five digits: very bold ones, very thin ones, those with the lowest contrast, and those with the highest contrast, each with its label and value."}}
rows = {
    "boldest": bright.argsort(descending=True)[:5],
    "faintest": bright.argsort()[:5],
    "low contrast": contrasted.argsort()[:5],
    "high contrast": contrasted.argsort(descending=True)[:5],
}
picked = torch.cat(list(rows.values()))
names = [name for name in rows for _ in range(5)]
axes = image_grid(
    data.train.images[picked, 0],
    [
        f"{name}\n{data.train.labels[index]}"
        for name, index in zip(names, picked, strict=True)
    ],
)

# %% tags=["hide-input"]
import numpy as np

spread = contrasted.std() / contrasted.mean()
correlation = np.corrcoef(bright, contrasted)[0, 1]
ones = data.train.labels == 1
duplicates = exploration.duplicate_groups(
    torch.cat([data.train.images, data.test.images])
)
say(
    f"Contrast varies by {percent(spread.item(), 0)} of its mean, and follows"
    f" brightness closely (correlation {correlation:.2f}). Ones are the faintest"
    f" ({bright[ones].mean():.3f} on average, {bright[~ones].mean():.3f} for the"
    " others) because they are made of one stroke. The outliers are bold and thin"
    " hands, still legible; no image is blank.",
    "Identical images, pixel by pixel, within and between training and test set:"
    f" {len(duplicates)} pairs or groups.",
)

# %% [markdown]
# Last, are the digits centred? Their centre of mass should lie in the middle:

# %% tags=["hide-input"]
offset = exploration.centre_of_mass(data.train.images)
middle = offset.mean(dim=0)
distance = (offset - middle).norm(dim=1)
say(
    f"On average the centre of mass lies {middle[0]:+.2f} pixels below and"
    f" {middle[1]:+.2f} to the right of the middle of the image: the digits are centred"
    " on pixel 14, which is half a pixel off the middle of 28. About that point, it"
    f" lies within {distance.quantile(0.95).item():.2f} pixels for 95 % of the images."
)

# %% [markdown]
# (mnist-decisions)=
# ## From observations to decisions
#
# The published tutorial draws four conclusions. Here they are, each with what we found.

# %% tags=["hide-input"]
raw_range = data.train.images.float().std().item()
table(
    [
        {"observation": "raw values vary widely",
         "found": f"0 to 255, standard deviation {raw_range:.0f}",
         "consequence": "gradients grow with the inputs, so the right learning rate shrinks",
         "decision": "scale and standardise"},
        {"observation": "classes are balanced",
         "found": f"{percent(shares.min(), 1)} to {percent(shares.max(), 1)}",
         "consequence": "no class can be ignored cheaply",
         "decision": "no class weights, plain cross-entropy"},
        {"observation": "contrast is good",
         "found": f"varies by {percent(spread.item(), 0)} of its mean, no blank image",
         "consequence": "no image needs repair",
         "decision": "standard preprocessing for all"},
        {"observation": "digits are centred",
         "found": f"within {distance.quantile(0.95).item():.1f} pixels for 95 %",
         "consequence": "the same pixel means the same place",
         "decision": "no alignment (slant is not touched by it)"},
    ]
)  # fmt: skip

# %% [markdown]
# The source's table asks for scaling to [0, 1], while its code standardises; this book standardises. Three further decisions follow the
# source: no augmentation, a simple model, unweighted cross-entropy. All of them are assumptions until they are tested: the training
# chapter shows what [unstandardised inputs](mnist-what-goes-wrong) do, and the last chapter of this part tries augmentation.
#
# (mnist-eda-results)=
# ## What this chapter measured

# %% tags=["hide-input"]
from tutorial_utils.report import results

metrics = {
    "class_counts_train": train_counts,
    "class_counts_test": test_counts,
    "mean": mean,
    "std": std,
    "first_1000_mean": first_mean,
    "first_1000_std": first_std,
    "zero_share_first_1000": zero_first,
    "zero_share": zero_all,
    "never_inked_pixels": never,
    "variance_within_10_pixels": central,
    "contrast_variation": spread,
    "centre_offset_95": distance.quantile(0.95),
    "duplicate_groups": len(duplicates),
}
path = results.write(
    "mnist/01_eda",
    parameters=config.model_dump(
        include={"dataset", "seed", "batch_size", "validation_split"}
    ),
    metrics=metrics,
    data_hash=data.fingerprint,
)

# %% [markdown]
# ## What you have learnt
#
# You can now
#
# * load MNIST and name the axes of a batch;
# * standardise pixels, with constants that you computed;
# * split off validation data, and say what is shuffled and why;
# * describe images by counts, averages, variation and quality;
# * turn observations into decisions.
#
# ## Exercises
#
# ### Exercise 1: undo the standardisation
#
# Write `to_pixels(standardised)`, which returns the original integers from 0 to 255. Check it on the first ten images.


# %% tags=["hide-cell"]
# Solution: multiply, add, scale back, round.
def to_pixels(standardised):
    return (
        ((standardised * description.std[0] + description.mean[0]) * 255)
        .round()
        .to(torch.uint8)
    )


assert torch.equal(
    to_pixels(datasets.standardise(data.train)[:10]), data.train.images[:10]
)
say("`to_pixels` gives back every pixel of the first ten images.")

# %% [markdown]
# ### Exercise 2: how many batches?
#
# How many batches has one epoch of 54,000 images in batches of 64, and how many images has the last? Work it out, then ask
# the loader.

# %% tags=["hide-cell"]
# Solution: 54,000 = 843 x 64 + 48.
full, rest = divmod(train.num_images, config.batch_size)
last_images, _ = list(train)[-1]
assert len(train) == full + (rest > 0)
assert len(last_images) == (rest or config.batch_size)
say(
    f"{full} full batches and one of {rest} images, {len(train)} in all."
    if rest
    else f"{full} full batches."
)

# %% [markdown]
# ### Exercise 3: classify by the nearest average
#
# The simplest classifier compares an image with the ten average images and takes the nearest. How often is it right on the
# validation images? (Use averages of the training part only. This is a baseline for the chapters to come.)

# %% tags=["hide-cell"]
# Solution: squared distances to ten averages.
train_part, validation_part = datasets.split(
    data.train, config.validation_split, config.seed
)
centroids = exploration.class_means(train_part).flatten(1)
pixels = validation_part.images.flatten(1).double() / 255
nearest = torch.cdist(pixels, centroids).argmin(dim=1)
centroid_accuracy = (nearest == validation_part.labels).double().mean().item()
say(
    f"The nearest average is the right digit for {percent(centroid_accuracy, 1)} of the"
    " validation images."
)

# %% [markdown]
# ## Further reading
#
# * {cite:t}`lecun1998` describe how MNIST was made, and what many methods reach on it.
# * {cite:t}`yadav2019` retrace where its images come from.
#
# Next: [](02_model), the model in one line and what its 7,850 numbers mean.
