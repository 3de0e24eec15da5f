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
# The digits were grey, centred and alone. Now come colour photographs of animals and vehicles: what changes, and why will adding up pixels tell
# so much less about them?
#
# *16 minutes to read, 35 with the exercises. **You need** [Exploring MNIST](../mnist/01_eda.ipynb), which introduces the measures used here. Next
# comes [The model](02_model.ipynb).*
#
# After this chapter you can
#
# * take a colour image apart, and put its axes in the order that each library wants;
# * standardise colour images channel by channel;
# * show by how much averages tell less about photographs than about digits;
# * split a data set with one permutation.
#
# | new here | MNIST | CIFAR-10 |
# |---|---|---|
# | an image | one grey channel, 28 x 28 | three channels, 32 x 32 |
# | numbers in it | 784 | 3,072 |
# | what it shows | one digit, centred, on blank paper | a thing anywhere, on any background |
# | training and test images | 60,000 and 10,000 | 50,000 and 10,000 |

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
seed: int = 0  # fixes the split, 0 or more
batch_size: int = 100  # images per batch, 1 or more
validation_split: float = 0.2  # share of images held out, between 0 and 1

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
from tutorial_utils.lessons.expect import expect
from tutorial_utils.lessons.show import show
from tutorial_utils.plots.style import bare, use_book_style
from tutorial_utils.training.config import TrainingConfig

config = TrainingConfig(
    dataset=dataset,
    seed=seed,
    batch_size=batch_size,
    validation_split=validation_split,
)
use_book_style()

# %% [markdown]
# ## What CIFAR-10 is
#
# Ten classes of photographs, six of animals and four of vehicles ([Krizhevsky 2009](https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf)).
# Students chose and labelled them from a much larger collection, Tiny Images, which its makers withdrew in 2020 because it held offensive
# images and labels. CIFAR-10 is still in use; it carries no explicit licence.
#
# The book reads the official *binary* files. The better known Python version is a pickle, and opening a pickle runs whatever code it holds.

# %%
import torch

from tutorial_utils.data import datasets, exploration

data = datasets.load(dataset)
names = data.description.class_names
data.train.labels.bincount(), data.test.labels.bincount()

# %% tags=["hide-input"]
# @title Figure: the first eight training images of each class
from tutorial_utils.plots.data import boxes, image_grid

labels = data.train.labels
firsts = torch.cat([(labels == k).nonzero()[:8, 0] for k in range(10)])
titles = [""] * len(firsts)
pictures = data.train.images[firsts].permute(0, 2, 3, 1)
axes = image_grid(pictures, titles, columns=8)
for ax, name in zip(axes[::8], names, strict=True):
    ax.set_title(name, fontsize=15, loc="left")
show(
    axes,
    caption="The first eight training images of each class.",
    alt="Ten rows of eight small colour photographs, one row for each class"
    " from airplane to truck, in all poses and on all backgrounds.",
    name="fig-cifar10-examples",
)

# %% [markdown]
# Every class is equally frequent, so whoever always gives the same answer is right in exactly one case in ten. Look along a row. What have the
# eight in common? Hardly the place of anything. If anything at all, the colours.
#
# ## One photograph, taken apart
#
# A `Dataset` hands out one image at a time: a PIL image (Pillow, Python's library for images) and its label. `ToTensor`, from torchvision, makes a tensor of it.

# %%
from torchvision.transforms import ToTensor

image, label = datasets.ImageDataset(data.train)[0]
frog = ToTensor()(image)
print(names[label], image.mode, image.size, tuple(frog.shape))
print(f"values from {frog.min():.3f} to {frog.max():.3f}")

# %% [markdown]
# Two things happened. Whole numbers from 0 to 255 became fractions from 0 to 1. And the axes changed places: PIL counts width and height, PyTorch
# wants (channel, height, width). Matplotlib's `imshow` wants (height, width, channel), so permute before you draw: `frog.permute(1, 2, 0)`.
#
# A colour is three numbers, how much red, green and blue. All zero is black, all one is white. One channel alone is a grey image; draw
# it without a colour map and it comes out in viridis, matplotlib's default, which has nothing to do with its colour.

# %% tags=["hide-input"]
# @title Figure: a frog and its three channels
import matplotlib.pyplot as plt
from matplotlib.colors import LinearSegmentedColormap

figure, panels = plt.subplots(ncols=4, figsize=(7.4, 2.3))
bare(panels[0]).imshow(frog.permute(1, 2, 0))
panels[0].set_title(names[label])
hues = {"red": "red", "green": "lime", "blue": "blue"}
for panel, channel, hue in zip(panels[1:], frog, hues, strict=True):
    shades = LinearSegmentedColormap.from_list(hue, ["black", hues[hue]])
    bare(panel).imshow(channel, cmap=shades, vmin=0, vmax=1)
    panel.set_title(hue)
show(
    figure,
    caption="The first training image, and its red, green and blue channel,"
    " each from black to its own colour.",
    alt="A coarse photograph of a brown frog, then the same in shades of red,"
    " of green and of blue: the red one is brightest, the blue one darkest.",
    name="fig-cifar10-channels",
)

# %%
row, column = 16, 16
frog[:, row, column], frog.numel()

# %% [markdown]
# That is one pixel, nearly white, and the count of numbers in the image: 3 x 32 x 32 = 3,072. They become the inputs of the model.
#
# ### A model is not a lookup
#
# Softmax regression keeps none of the images that it has seen, only ten sets of weights. For contrast, here is a method that does compare: find
# the nearest of 10,000 training images, by squared difference of pixels.

# %%
pool = data.train.images[1_000:11_000].flatten(1).float()
others = data.train.subset(torch.arange(1_000))
distances = torch.cdist(others.images.flatten(1).float(), pool)
nearest = data.train.subset(1_000 + distances.argmin(dim=1))
lookup = (nearest.labels == others.labels).double().mean().item()
lookup

# %% tags=["hide-input"]
# @title Figure: five images and the nearest to each
both = torch.cat([others.images[:5], nearest.images[:5]])
titles = [names[k] for part in (others, nearest) for k in part.labels[:5]]
show(
    image_grid(both.permute(0, 2, 3, 1), titles),
    caption="Five training images (top) and the nearest of 10,000 others to"
    " each (bottom).",
    alt="Two rows of five colour photographs. Those below resemble those above"
    " in background and colour more than in what they show.",
    name="fig-cifar10-nearest",
)

# %% [markdown]
# It is right in three cases of ten, better than guessing and no more. What is near in pixels is alike in background, not in subject.
#
# ## Standardise by channel
#
# A digit had one mean and one standard deviation. A photograph has three of each, one a channel. So take the mean over images, rows and
# columns, axes 0, 2 and 3, and leave axis 1 alone.


# %%
def by_channel(images):
    pixels = images / 255
    return pixels.mean(dim=(0, 2, 3)), pixels.std(dim=(0, 2, 3))


mean, std = by_channel(data.train.images)
mean, std


# %% [markdown]
# To subtract them they need a shape that fits: (3, 1, 1) is stretched over all rows and columns.


# %%
def standardise(images):
    return (images / 255 - mean.view(3, 1, 1)) / std.view(3, 1, 1)


few = standardise(data.train.images[:1000])
few.mean(dim=(0, 2, 3))

# %% [markdown]
# Near 0, and not quite: these are the first thousand images, and the means subtracted are those of all. The three means differ little: on the whole, photographs are a warm grey. That common grey will matter. **The chapters of this part leave pixels between 0 and 1**, as the tutorial that they re-examine does. [The next page](02_model.ipynb) shows what a
# model makes of inputs of which none is negative.

# %% tags=["remove-input"]
# @title The sentences above, guarded
equal = [[5000] * 10, [1000] * 10]
parts = (data.train, data.test)
counts = [exploration.class_counts(part).tolist() for part in parts]
expect("every class is equally frequent", counts, equals=equal)
expect("the first image is a frog", names[label], equals="frog")
expect("an image is 3,072 numbers", frog.numel(), equals=3072)
expect("that pixel is nearly white", frog[:, row, column].min(), above=0.85)
expect("a lookup is right in 3 of 10", lookup, between=(0.27, 0.33))
statistics = exploration.pixel_statistics(data.train.images)
off = (statistics.mean - mean).abs().max() + (statistics.std - std).abs().max()
expect("the channels' numbers are those of the package", off, below=1e-4)
expect("the means differ little", mean.max() - mean.min(), below=0.06)
expect("a thousand are near 0", few.mean(dim=(0, 2, 3)).abs().max(), below=0.1)

# %% [markdown]
# ## What averages still tell
#
# The average of all fives was a blurred five. **Predict first:** what is the average of all horses?

# %%
averages = exploration.class_means(data.train)

# %% tags=["hide-input"]
# @title Figure: the average image of each class
show(
    image_grid(averages.permute(0, 2, 3, 1), names),
    caption="Average image of each class over all its training images.",
    alt="Ten blurred patches of colour: bluish for airplane and ship, brownish"
    " and greenish for animals, with hardly a shape to be seen.",
    name="fig-cifar10-class-means",
)

# %% [markdown]
# A brown blur. A horse stands anywhere and faces either way, so its outline averages out, and what stays is the colour of meadows. Put a number on it: which share
# of all variance of the pixels lies *between* the class averages?


# %%
def explained(averages, images):
    total = exploration.pixel_statistics(images).std_image.square().sum()
    return (averages.var(dim=0, correction=0).sum() / total).item()


digits = datasets.load("mnist").train
of_digits = explained(exploration.class_means(digits), digits.images)
of_photographs = explained(averages, data.train.images)
round(of_digits, 3), round(of_photographs, 3)

# %% [markdown]
# About a third of what it was for the digits. The rest is difference *within* a class: pose, light, background. A linear model
# is not bound to these averages. But it weighs pixels one by one, place by place, as they do. That is a first hint of a hard time ahead.

# %% tags=["hide-input"]
# @title Figure: brightness by class
bright = exploration.brightness(data.train.images)
groups = {name: bright[labels == k] for k, name in enumerate(names)}
show(
    boxes(groups, ylabel="brightness (mean pixel in [0, 1])"),
    caption="Brightness by class. Boxes span the middle half, whiskers the"
    " middle 90 %.",
    alt="Ten box plots, one for each class; airplanes and ships lie highest,"
    " frogs and deer lowest, and all overlap.",
    name="fig-cifar10-brightness",
)

# %% [markdown]
# Brightness alone says something: airplanes are the brightest, against the sky, and frogs the darkest. But every box overlaps every other.
#
# Are there duplicates? No two of the 60,000 images agree in every pixel. *Near* duplicates, cropped or recompressed, are another matter:
# [Barz and Denzler 2020](https://doi.org/10.3390/jimaging6060041) found that 3.3 % of the test images have one among the training images.

# %% tags=["remove-input"]
# @title The sentences above, guarded
every = torch.cat([data.train.images, data.test.images])
duplicates = exploration.duplicate_groups(every)
across = [g for g in duplicates if g[0] < len(data.train) <= g[-1]]
del every
ratio = of_photographs / of_digits
expect("averages tell a third of what they did", ratio, between=(0.3, 0.38))
light = {name: values.mean().item() for name, values in groups.items()}
ends = [max(light, key=light.get), min(light, key=light.get)]
expect("the brightest and the darkest", ends, equals=["airplane", "frog"])
box = torch.tensor([0.25, 0.75])
boxed = torch.stack([values.quantile(box) for values in groups.values()])
overlap = boxed[:, 1].min() - boxed[:, 0].max()
expect("every box overlaps every other", overlap, above=0)
expect("no two images agree", len(duplicates), equals=0)

# %% [markdown]
# ## The split, from scratch
#
# [What the three parts are for](../mnist/01_eda.ipynb#The-split) has not changed: **training** images fit the weights, **validation** images choose settings, **test** images
# measure the result, once. Shares of 60, 20 and 20 per cent are a custom, nothing more. Here a fifth of the training images is held out. It takes
# two lines: shuffle all positions, and cut.


# %%
from tutorial_utils.reproducibility import make_generator


def split_indices(count, share, generator):
    order = torch.randperm(count, generator=generator)
    held_out = round(share * count)
    return order[held_out:], order[:held_out]


draw = make_generator(seed, "split")
mine = split_indices(len(data.train), validation_split, draw)
theirs = datasets.split_indices(len(data.train), validation_split, seed)
[torch.equal(*pair) for pair in zip(mine, theirs, strict=True)]

# %% [markdown]
# `randperm` draws a *permutation*: each position once, so no image can land in both parts. (Of three positions it has three entries, such as 1, 0, 2.) PyTorch draws batches from such positions
# with a `SubsetRandomSampler`. The package cuts them from one tensor, and makes as many.

# %%
from torch.utils.data import DataLoader, SubsetRandomSampler

from tutorial_utils.training.batches import training_batches

samples = datasets.ImageDataset(data.train, transform=ToTensor())
sampler = SubsetRandomSampler(mine[0])
loader = DataLoader(samples, batch_size=batch_size, sampler=sampler)
batches, _ = training_batches(data.train, config)
len(mine[0]), next(iter(loader))[0].shape, len(loader), len(batches)

# %% [markdown]
# So an epoch has 400 batches of shape (100, 3, 32, 32), from 40,000 images. (The tutorial that this part re-examines is not sure of some
# of these counts; its claims are [measured elsewhere](../claims/02_cifar10.ipynb).)

# %% tags=["remove-input"]
# @title The sentences above, guarded
same = [torch.equal(*pair) for pair in zip(mine, theirs, strict=True)]
expect("your split is the package's", same, equals=[True, True])
expect("an epoch has 400 batches", len(batches), equals=400)
expect("the loader makes as many", len(loader), equals=len(batches))
expect("they come from 40,000 images", len(mine[0]), equals=40_000)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# How many numbers are in one batch of 100 images? Put your answer in place of the dots.

# %%
from tutorial_utils.lessons import checks

your_count = ...
hint = "images times channels times rows times columns"
checks.answer(your_count, batch_size * 3 * 32 * 32, tolerance=0.5, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# Four bytes for each, as a float: more than a million bytes for 100 images.
batch_size * 3 * 32 * 32

# %% [markdown]
# ### Exercise 2 ★ Predict, then run
#
# Two changes of the frog: its mirror image, and the next frog of the file in its place. For each, take the mean absolute difference from
# the frog, pixel by pixel. Divide that of the mirror image by that of the next frog. Write your guess in place of the dots, then run.

# %% tags=["remove-cell"]
# @title What the check of exercise 2 compares with
next_frog = data.train.images[(labels == label).nonzero()[1, 0]] / 255
mirrored = (frog - frog.flip(dims=(2,))).abs().mean()
mirror_share = (mirrored / (frog - next_frog).abs().mean()).item()

# %%
your_share = ...  # a fraction, such as 0.1
hint = "to a pixel, a mirror image is another image"
checks.answer(your_share, mirror_share, tolerance=0.1, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# More than half: to pixels, a mirrored frog is nearly a stranger.
mirror_share

# %% [markdown]
# ### Exercise 3 ★★ Grey
#
# `to_grey` should turn images of shape (n, 3, 32, 32) into grey ones, (n, 32, 32), with the weights 0.299, 0.587 and 0.114, which follow the
# eye. The starter takes the plain mean.


# %%
def to_grey(images):
    return images.mean(dim=1)


# %% tags=["remove-cell"]
# @title What the check of exercise 3 compares with
eye = torch.tensor([0.299, 0.587, 0.114])
two = data.train.images[:2, :, :2, :2] / 255  # small enough to print
plain = {"that is the plain mean": lambda g: torch.equal(g, two.mean(1))}

# %%
checks.function(
    to_grey,
    lambda images: torch.einsum("nchw,c->nhw", images, eye),
    [(two,), (data.train.images[:3] / 255,)],
    hints=plain,
)


# %% tags=["hide-cell"]
# @title Solution
# The weights get the shape (3, 1, 1), as the means did.
def my_grey(images):
    return (images * eye.view(3, 1, 1)).sum(dim=1)


checks.function(
    my_grey,
    lambda images: torch.einsum("nchw,c->nhw", images, eye),
    [(frog[None],)],
)

# %% [markdown]
# ### Exercise 4 ★★★ Where does 0.2023 come from?
#
# On the web you often meet 0.2023, 0.1994 and 0.2010 as the standard deviations of CIFAR-10's channels. They are smaller than yours. Find out
# what they are, and give the red one to four digits from the first 5,000 images.

# %% tags=["remove-cell"]
# @title What the check of exercise 4 compares with
first = data.train.images[:5000] / 255
within = first.std(dim=(2, 3)).mean(dim=0)

# %%
your_red = ...
hint = "take the deviation within each image first, then average"
checks.answer(your_red, within[0], tolerance=1e-4, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# Means, over images, of the deviation within an image. They leave out that
# some images are bright all over, and others dark.
first.std(dim=(2, 3)).mean(dim=0), first.std(dim=(0, 2, 3))

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
from tutorial_utils.lessons.questions import ask, choice, number

ask(
    [
        choice(
            "A tensor has the shape (3, 32, 32). What does matplotlib want?",
            ["(3, 32, 32)", "(32, 32, 3)", "(32, 3, 32)"],
            correct=str(tuple(frog.permute(1, 2, 0).shape)),
            because="height, width, channel.",
        ),
        choice(
            "Over which axes of (n, 3, 32, 32) is the mean of a channel taken?",
            {
                "1": "That mixes the channels, and keeps the rest.",
                "0, 2 and 3": "",
                "0": "That is the mean image.",
            },
            correct="0, 2 and 3",
            because="what is left is axis 1, three numbers.",
        ),
        choice(
            "Pixels lie between 0 and 1. What is (1, 1, 0)?",
            {
                "black": "Black has nothing of any colour.",
                "yellow": "",
                "blue": "Of blue there is nothing here.",
            },
            correct="yellow",
            because="red and green light together look yellow.",
        ),
        choice(
            "Why is the average horse a blur, and the average 0 a ring?",
            {
                "photographs have less contrast": "They have more grey levels.",
                "horses stand anywhere, digits are centred": "",
                "there are fewer horses": "There are thousands of both.",
            },
            correct="horses stand anywhere, digits are centred",
            because="an average keeps what is in the same place every time.",
            sure=True,
        ),
        number(
            "50,000 images, a fifth held out, batches of 100. How many batches"
            " has an epoch?",
            answer=50_000 * (1 - 0.2) / 100,
            tolerance=0.5,
            form=",.0f",
            because="40,000 images are left to train on.",
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Krizhevsky 2009](https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf) describes how the data set was made.
# * [Recht et al. 2018](https://arxiv.org/abs/1806.00451) collected a second test set, and measured how far accuracies fall on it.
#
# Colours in places: that is what is left of a class when you average it. What can a model make of them? [The model](02_model.ipynb) looks.

# %% tags=["remove-cell"]
# @title The results file
from tutorial_utils.report import results

settings = {"dataset", "seed", "batch_size", "validation_split"}
path = results.write(
    "cifar10/01_eda",
    parameters=config.model_dump(include=settings),
    metrics={
        "first_label": label,
        "first_class": names[label],
        "class_counts_train": counts[0],
        "class_counts_test": counts[1],
        "channel_mean": statistics.mean,
        "channel_std": statistics.std,
        "variance_between_classes": of_photographs,
        "variance_between_digits": of_digits,
        "nearest_neighbour_accuracy": lookup,
        "duplicate_groups": len(duplicates),
        "duplicates_across": len(across),
    },
    data_hash=data.fingerprint,
)
