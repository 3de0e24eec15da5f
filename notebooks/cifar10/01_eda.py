# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exploring CIFAR-10
#
# The digits were grey, centred and alone. Now come photographs: 60,000 small colour images of animals and vehicles, on any background, in any
# pose. The same model will be tried on them. First, look.
#
# **After this chapter you can**
#
# * take one colour image apart, into channels, pixels and numbers;
# * say what each axis of an image means to PyTorch and to matplotlib, and convert between the two;
# * describe colour images by the same measures as digits, and say why averages now tell less;
# * split data into training, validation and test parts from scratch, and say what each part is for.
#
# **You need** [the exploration of MNIST](../mnist/01_eda), which introduces the measures used here.

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
seed: int = 0  # fixes the split and which samples are shown, 0 or more
batch_size: int = 100  # images per batch, 1 or more
validation_split: float = 0.2  # share of training images held out, between 0 and 1

# %%
from tutorial_utils.training.config import HEADLINE, TrainingConfig

config = TrainingConfig(
    dataset=dataset, seed=seed, batch_size=batch_size, validation_split=validation_split
)

# %%
from tutorial_utils.data import datasets, exploration
from tutorial_utils.plots.style import bare, use_book_style

use_book_style()
data = datasets.load(config.dataset)
names = data.description.class_names

# %% [markdown]
# (cifar10-eda-changes)=
# :::{admonition} What changed from MNIST
# :class: note
# The data set. The table is computed from the two descriptions.
# :::

# %% tags=["hide-input"]
from tutorial_utils.report.narrate import enumerate_words, percent, say, table

mnist = HEADLINE["mnist"].description
rows = [
    {"what": what, "MNIST": str(getattr(mnist, field)), "here": str(getattr(data.description, field))}
    for what, field in {
        "image shape (channels, height, width)": "image_shape",
        "numbers per image": "num_features",
        "classes": "num_classes",
        "training images": "num_train",
        "test images": "num_test",
        "subtracted from pixels in [0, 1]": "mean",
        "divided by": "std",
    }.items()
]  # fmt: skip
table(rows)

# %% [markdown]
# (cifar10-what-it-is)=
# ## What CIFAR-10 is
#
# CIFAR-10 {cite}`krizhevsky2009` has 60,000 colour images of 32 x 32 pixels in ten classes, 50,000 to train on and 10,000 to test on. They were chosen and labelled by
# students from a much larger collection, Tiny Images, which its makers withdrew in 2020 because it held offensive images and labels. CIFAR-10 is still in use; it carries no explicit licence.
#
# The book reads the official *binary* files. The better known Python version is a pickle, and opening a pickle means running whatever code it holds.

# %% mystnb={"figure": {"caption": "The first eight training images of each class.", "name": "fig-cifar10-examples"}, "image": {"alt": "Ten rows of eight small colour photographs, one row for each class from airplane to truck."}}
from tutorial_utils.plots import data as draw

first_of_each = [
    index
    for label in range(len(names))
    for index in (data.train.labels == label).nonzero()[:8, 0].tolist()
]
pictures = data.train.images[first_of_each].permute(0, 2, 3, 1)
titles = [
    names[label] if place % 8 == 0 else ""
    for place, label in enumerate(data.train.labels[first_of_each])
]
axes = draw.image_grid(pictures, titles, columns=8)

# %%
counts = {
    "training": exploration.class_counts(data.train),
    "test": exploration.class_counts(data.test),
}
balanced = {part: len(set(values.tolist())) == 1 for part, values in counts.items()}
table(
    [
        {"class": name, **{part: values[k] for part, values in counts.items()}}
        for k, name in enumerate(names)
    ]
)

# %% tags=["hide-input"]
say(
    "Every class is equally frequent: guessing one class throughout scores exactly one"
    " tenth."
    if all(balanced.values())
    else "The classes differ in size."
)

# %% [markdown]
# (cifar10-one-sample)=
# ## One sample, taken apart
#
# A `Dataset` hands out one image at a time. Until a transform is given, an item is a PIL image and its label.

# %%
samples = datasets.ImageDataset(data.train)
image, label = samples[0]
say(
    f"The first training image is of mode {image.mode}, size {image.size}, and label"
    f" {label}: a {names[label]}."
)

# %% mystnb={"figure": {"caption": "The first training image.", "name": "fig-cifar10-frog"}, "image": {"alt": "A small, coarse colour photograph of a brown frog on a pale ground."}}
from torchvision.transforms import ToTensor

as_tensor = ToTensor()(image)
axes = draw.image_grid(as_tensor.permute(1, 2, 0)[None], [names[label]], columns=1)

# %% [markdown]
# `ToTensor` does two things. It scales the stored integers, 0 to 255, to floats in [0, 1], and it puts the channel first: PyTorch wants (channel, height, width).
# Matplotlib wants (height, width, channel), so the axes are permuted for drawing. (The source counts the values to 256; there are 256 values, and the largest is 255.)

# %%
import numpy as np
import torch

pixels = np.asarray(image)
torch.testing.assert_close(
    as_tensor, torch.from_numpy(pixels.copy()).permute(2, 0, 1) / 255
)
torch.testing.assert_close(as_tensor, data.train.images[0] / 255)
table(
    [
        {"form": "PIL image", "shape": f"{image.size} (width, height)", "values": "0 to 255"},
        {"form": "array", "shape": f"{pixels.shape} (height, width, channel)", "values": str(pixels.dtype)},
        {"form": "tensor", "shape": f"{tuple(as_tensor.shape)} (channel, height, width)",
         "values": f"{as_tensor.min():.3f} to {as_tensor.max():.3f}"},
    ]
)  # fmt: skip

# %% [markdown]
# A colour is three numbers, how much red, green and blue. (0, 0, 0) is black and (255, 255, 255) is white; the source has the two the wrong way round. Here are the three channels of the frog, each in its own colour.
# Drawn without a colour map, a single channel would appear in viridis, matplotlib's default, which has nothing to do with its colour.

# %% mystnb={"figure": {"caption": "The red, green and blue channel of the first training image, each drawn from black to its own colour.", "name": "fig-cifar10-channels"}, "image": {"alt": "Three versions of the frog side by side, in shades of red, of green and of blue."}}
import matplotlib.pyplot as plt
from matplotlib.colors import LinearSegmentedColormap

figure, panels = plt.subplots(ncols=3, figsize=(7.5, 2.7))
colours = {"red": "red", "green": "lime", "blue": "blue"}
for panel, channel, (name, colour) in zip(
    panels, as_tensor, colours.items(), strict=True
):
    shades = LinearSegmentedColormap.from_list(name, ["black", colour])
    bare(panel).imshow(channel, cmap=shades, vmin=0, vmax=1)
    panel.set_title(name)

# %%
row, column = 16, 16
mixed = [round(255 * value.item()) for value in as_tensor[:, row, column]]
say(
    f"The pixel in row {row}, column {column} is (red, green, blue) = ({mixed[0]},"
    f" {mixed[1]}, {mixed[2]}). All {as_tensor.numel():,} numbers of the image,"
    f" {' x '.join(map(str, as_tensor.shape))}, become the inputs of the model."
)

# %% [markdown]
# (cifar10-not-matching)=
# ### A model is not a lookup
#
# It is tempting to think that a classifier compares an image with the images it has seen. Softmax regression does not keep them: it keeps ten sets of weights. For contrast, here is a method that does compare:
# the nearest training image, by squared difference of pixels, to five other training images.

# %% mystnb={"figure": {"caption": "Five training images (top) and the nearest of 10,000 others to each (bottom).", "name": "fig-cifar10-nearest"}, "image": {"alt": "Two rows of five colour photographs. The images below resemble those above in background and colour more than in what they show."}}
pool = data.train.images[:10_000].flatten(1).float()
others = data.train.subset(torch.arange(10_000, 11_000))
queries = others.images[:5].flatten(1).float()
nearest = torch.cdist(queries, pool).argmin(dim=1)
found = data.train.subset(nearest)
pair = torch.cat([others.images[:5], found.images]).permute(0, 2, 3, 1)
labels = torch.cat([others.labels[:5], found.labels])
axes = draw.image_grid(pair, [names[label] for label in labels])

# %%
some = others.images.flatten(1).float()
looked_up = data.train.labels[:10_000][torch.cdist(some, pool).argmin(dim=1)]
lookup_accuracy = (looked_up == others.labels).double().mean().item()
del pool
say(
    "Looked up among 10,000 images, 1,000 other training images get the right class in"
    f" {percent(lookup_accuracy, 0)} of cases. What is near in pixels is often alike in"
    " background, not in subject."
)

# %% [markdown]
# (cifar10-statistics)=
# ## The same measures as for the digits
#
# Mean and standard deviation of each channel, and of every pixel:

# %%
measured = exploration.pixel_statistics(data.train.images)
table(
    [
        {
            "channel": name,
            "mean": measured.mean[k].item(),
            "standard deviation": measured.std[k].item(),
        }
        for k, name in enumerate(("red", "green", "blue"))
    ],
    {"mean": ".4f", "standard deviation": ".4f"},
)

# %% mystnb={"figure": {"caption": "Average image of each class over all its training images.", "name": "fig-cifar10-class-means"}, "image": {"alt": "Ten blurred colour patches, one per class: bluish for airplane and ship, brownish and greenish for the animals, with hardly any shape to be seen."}}
averages = exploration.class_means(data.train)
axes = draw.image_grid(averages.permute(0, 2, 3, 1), names)

# %%
digits = datasets.load("mnist")
digit_averages = exploration.class_means(digits.train)


def explained(averages, data):
    """Share of the variance of pixels that lies between class averages."""
    total = exploration.pixel_statistics(data.images).std_image.square().sum()
    return (averages.var(dim=0, correction=0).sum() / total).item()


# %% tags=["hide-input"]
share, digit_share = (
    explained(averages, data.train),
    explained(digit_averages, digits.train),
)
del digits
say(
    f"The class averages hold {percent(share, 1)} of the variance of the pixels; for"
    f" the digits it was {percent(digit_share, 0)}. A horse may stand anywhere, facing"
    " either way, so its average is a brown blur. A linear model sees an image much as"
    " these averages do, which is a first hint of what to expect."
)

# %% mystnb={"figure": {"caption": "Brightness by class. Boxes span the middle half, whiskers the middle 90 %.", "name": "fig-cifar10-brightness"}, "image": {"alt": "Ten box plots of brightness, one per class; airplanes and ships lie highest, frogs and deer low."}}
bright = exploration.brightness(data.train.images)
contrasted = exploration.contrast(data.train.images)
ax = draw.boxes(
    {name: bright[data.train.labels == k] for k, name in enumerate(names)},
    ylabel="brightness (mean pixel in [0, 1])",
)

# %%
by_class = torch.stack(
    [bright[data.train.labels == k].mean() for k in range(len(names))]
)
spread = (contrasted.std() / contrasted.mean()).item()
everything = torch.cat([data.train.images, data.test.images])
groups = exploration.duplicate_groups(everything)
across = [group for group in groups if group[0] < len(data.train) <= group[-1]]
del everything
say(
    f"Brightness alone tells something: {names[by_class.argmax()]}s are the brightest,"
    f" {names[by_class.argmin()]}s the darkest. Contrast varies by {percent(spread, 0)}"
    " of its mean.",
    f"Images that are equal pixel by pixel: {len(groups)} groups, {len(across)} of them"
    " with one image in the training and one in the test set.",
)

# %% [markdown]
# Equal pixels are the strictest measure. *Near* duplicates, cropped or recompressed, are more frequent: {cite:t}`barz2020` found 3.3 % of the test images to have one in the training set.
#
# (cifar10-split)=
# ## Training, validation, test: a split from scratch
#
# Three parts, three purposes. The **training** part fits the weights. The **validation** part chooses settings: learning rate, epochs, model. The **test** part measures the final result, once. Shares of 60, 20 and 20 per cent are a custom, nothing more.
#
# A random permutation makes the split: shuffle the positions, hold out the first fifth. A permutation of 3 has three entries, such as:

# %%
from tutorial_utils.reproducibility import make_generator

say(
    "`torch.randperm(3)` ="
    f" {torch.randperm(3, generator=make_generator(seed, 'example')).tolist()}"
)


def split_indices(count, share, generator):
    order = torch.randperm(count, generator=generator)
    held_out = round(share * count)
    return order[held_out:], order[:held_out]


train_part, held_part = split_indices(
    len(data.train), config.validation_split, make_generator(config.seed, "split")
)
theirs = datasets.split_indices(len(data.train), config.validation_split, config.seed)
assert torch.equal(train_part, theirs[0]) and torch.equal(held_part, theirs[1])
assert not set(train_part.tolist()) & set(held_part.tolist())

# %% [markdown]
# The library's way: a `SubsetRandomSampler` draws from given positions, and a `DataLoader` makes batches of what it draws.

# %%
from torch.utils.data import DataLoader, SubsetRandomSampler

from tutorial_utils.training.batches import training_batches

with_tensors = datasets.ImageDataset(data.train, transform=ToTensor())
loader = DataLoader(
    with_tensors, batch_size=config.batch_size, sampler=SubsetRandomSampler(train_part)
)
images, labels = next(iter(loader))
ours, _ = training_batches(data.train, config)
assert len(loader) == len(ours)
say(
    f"{len(train_part):,} images to train on (the source says 40,000 and, elsewhere,"
    f" 50,000) and {len(held_part):,} to validate on. An epoch has {len(loader)}"
    f" batches of {config.batch_size}, each of shape {tuple(images.shape)}."
)

# %% [markdown]
# (cifar10-eda-results)=
# ## What this chapter measured

# %% tags=["hide-input"]
from tutorial_utils.report import results

path = results.write(
    "cifar10/01_eda",
    parameters=config.model_dump(
        include={"dataset", "seed", "batch_size", "validation_split"}
    ),
    metrics={
        "first_label": label,
        "first_class": names[samples[0][1]],
        "class_counts_train": counts["training"],
        "class_counts_test": counts["test"],
        "channel_mean": measured.mean,
        "channel_std": measured.std,
        "variance_between_classes": share,
        "variance_between_digits": digit_share,
        "nearest_neighbour_accuracy": lookup_accuracy,
        "duplicate_groups": len(groups),
        "duplicates_across": len(across),
    },
    data_hash=data.fingerprint,
)

# %% [markdown]
# ## What you have learnt
#
# You can now
#
# * take a colour image apart, and put its axes in the order that each library wants;
# * say why averages tell less about photographs than about digits;
# * split data from scratch, and say what each part is for.
#
# ## Exercises
#
# ### Exercise 1: grey
#
# Turn the frog into a grey image by averaging its channels, and again with the weights 0.299, 0.587, 0.114, which follow the eye. Which is brighter?

# %% tags=["hide-cell"]
# Solution: a mean over the channel axis, and a weighted one.
plain = as_tensor.mean(dim=0)
weighted = (as_tensor * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(dim=0)
assert plain.shape == weighted.shape == as_tensor.shape[1:]
say(f"Mean grey value {plain.mean():.3f} plainly, {weighted.mean():.3f} weighted.")

# %% [markdown]
# ### Exercise 2: mirror images
#
# How much does a horizontally mirrored frog differ from the frog, in mean absolute pixel difference? Compare with the difference between the frog and the next image of its class.

# %% tags=["hide-cell"]
# Solution: flip the last axis.
next_frog = (
    data.train.images[(data.train.labels == samples[0][1]).nonzero()[1, 0]] / 255
)
mirrored = (as_tensor - as_tensor.flip(dims=(2,))).abs().mean()
other = (as_tensor - next_frog).abs().mean()
say(
    f"Mirrored: {mirrored:.3f}. Another image of the class: {other:.3f}. To a"
    " pixel-wise model, a mirror image is another image."
)

# %% [markdown]
# ### Exercise 3: three parts of one permutation
#
# Split 100 positions into 60, 20 and 20 with one permutation, and check that every position lies in exactly one part.

# %% tags=["hide-cell"]
# Solution: cut one permutation at 60 and 80.
parts = torch.randperm(100, generator=make_generator(seed, "exercise")).tensor_split(
    (60, 80)
)
assert sorted(torch.cat(parts).tolist()) == list(range(100))
say(f"Parts of {enumerate_words(len(part) for part in parts)}, every position once.")

# %% [markdown]
# ## Further reading
#
# * {cite:t}`krizhevsky2009` describes how the data set was made.
# * {cite:t}`recht2018` collected a second test set, and measured how far accuracies fall on it.
#
# Next: [](02_model).
