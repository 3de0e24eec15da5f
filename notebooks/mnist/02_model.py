# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The model
#
# How do 784 pixels become an answer in a single multiplication, and why does it read my 5 as a 3? This page builds the model in a few
# lines, draws what its weights have learnt, and follows one 5 through it, pixel by pixel, to the wrong answer.
#
# *About 35 minutes with the exercises. **You need** [the data](01_eda.ipynb), and softmax and the loss from
# [Softmax and cross-entropy](../foundations/01_softmax_and_cross_entropy.ipynb). Next comes [Training](03_training.ipynb).*
#
# After this chapter you can
#
# * write softmax regression as a PyTorch module, and say what each line is for;
# * count its parameters, the memory that they take, and the work of one prediction;
# * draw the weights of a class, and say what may be read from them and what may not;
# * say which pixels decided an answer.
#
# The settings below are those of the trained model. How they act is the matter of [Training](03_training.ipynb); leave them for now.

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
initialisation: str = "xavier_uniform"  # start: "xavier_uniform" or "default"
num_epochs: int = 30  # passes over the training images, 1 or more
batch_size: int = 64  # images per update, 1 to 54,000
learning_rate: float = 0.01  # step length of the first epoch, above 0
momentum: float = 0.9  # share of the last step kept, 0 to below 1
weight_decay: float = 0.0  # strength of the L2 penalty, 0 or more
learning_rate_decay: float = 0.1  # factor at each decay, above 0 to 1
learning_rate_step: int = 10  # epochs between two decays, 1 or more
validation_split: float = 0.1  # share of images held out, between 0 and 1
early_stopping_patience: int = 30  # epochs without improvement, 1 or more
divergence_bound: float = 1e4  # batch loss that ends training, above 2.303
log_interval: int = 100  # batches between two progress reports, 1 or more

# %% tags=["hide-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
from tutorial_utils.lessons.expect import expect
from tutorial_utils.lessons.show import show
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.report.narrate import table
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
use_book_style()

# %% [markdown]
# ## From an image to ten probabilities
#
# Take one image, and lay its 28 rows end to end. That makes one row $x$ of 784 numbers. Each class $k$ has 784 weights $w_k$ of its own,
# and one more number, its bias $b_k$. Its score, the **logit** $z_k$, is the sum of all pixels times their weights, plus the bias. **Softmax** then
# turns ten logits into ten probabilities:
#
# $$
# z_k = w_k \cdot x + b_k, \qquad p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}.
# $$
#
# Stack the ten rows of weights, and you have a matrix $W$ with 10 rows and 784 columns. All ten sums are then one multiplication. Do it by
# hand, with weights drawn at random.

# %%
import torch

from tutorial_utils.data import datasets
from tutorial_utils.reproducibility import make_generator

data = datasets.load(dataset)
image = datasets.standardise(data.train.subset(torch.tensor([0])))[0]
x = image.flatten()

W = 0.05 * torch.randn(10, 784, generator=make_generator(seed, "by hand"))
b = torch.zeros(10)
z = W @ x + b
x.shape, z.shape, z.softmax(dim=0)

# %% tags=["hide-input"]
# @title Figure: an image unrolled to a row, times W
from tutorial_utils.plots.model import unrolled

digits = [str(digit) for digit in range(10)]
show(
    unrolled(data.train.images[0, 0], W, z, digits, band=8),
    caption="An image becomes a row of 784 pixels. Each class multiplies it by"
    " its own row of weights and adds up: one logit. Framed: one row of the"
    " image, and where it went. These weights are still random.",
    alt="Left, a handwritten 5 with one row of pixels framed. Middle, above,"
    " the row x as a bar code, the same pixels framed; below it the matrix W,"
    " ten rows of blue and red noise. Right, ten bars: the logits.",
    name="fig-mnist-unrolled",
)

# %% [markdown]
# Notice what got lost on the way. In the row, a pixel no longer knows which pixel lay above it. The model sees 784 numbers, not a picture.
# Shuffle the pixels of all images in the same way, and it would learn just as well.
#
# ```mermaid
# flowchart LR
#     accTitle: Softmax regression
#     accDescr: An image of 28 by 28 pixels is flattened into 784 values, a linear layer with 7,850 parameters makes ten logits, and softmax makes ten probabilities.
#     image["image<br/>1 x 28 x 28"] -- flatten --> row["784<br/>values"]
#     row -- "linear:<br/>7,840 weights,<br/>10 biases" --> logits["10<br/>logits"]
#     logits -- softmax --> probabilities["10 prob-<br/>abilities"]
# ```
#
# ### The same in PyTorch


# %%
from torch import nn


class SoftmaxRegression(nn.Module):
    def __init__(self, generator):
        super().__init__()
        self.linear = nn.Linear(784, 10)
        nn.init.xavier_uniform_(self.linear.weight, generator=generator)
        nn.init.zeros_(self.linear.bias)

    def forward(self, images):
        return self.linear(images.flatten(start_dim=1))

    def predict_proba(self, images):
        return self(images).softmax(dim=1)


model = SoftmaxRegression(make_generator(seed, "initialisation"))

# %% [markdown]
# * `nn.Linear` holds $W$ and $b$.
# * `flatten(start_dim=1)` lays out each image of a batch, and leaves the batch as it is.
# * `forward` returns logits, because the loss wants them. `predict_proba` adds the softmax, for people.
# * The first weights are drawn by Glorot's rule, which PyTorch calls Xavier
#   ([Glorot and Bengio 2010](https://proceedings.mlr.press/v9/glorot10a.html)): uniformly within $\pm\sqrt{6/(784 + 10)}$. Biases start at zero.
#
# Feed it a batch of 64.

# %%
batch = datasets.standardise(data.train.subset(torch.arange(64)))
with torch.no_grad():
    probabilities = model.predict_proba(batch)
batch.shape, probabilities.shape, probabilities.sum(dim=1)[:5]

# %%
probabilities[0]

# %% [markdown]
# Each row sums to one. The model has learnt nothing, and still it has a favourite for the first image: random weights are never quite fair.
#
# ## How many numbers?
#
# Each number is a `float32` of four bytes; a kilobyte is 1,024 bytes here.

# %% tags=["hide-input"]
# @title Table: parameters and memory
rows = [
    {"tensor": name, "shape": str(tuple(weight.shape)),
     "numbers": weight.numel(), "KB": 4 * weight.numel() / 1024}
    for name, weight in model.named_parameters()
]  # fmt: skip
total, kilobytes = (sum(row[key] for row in rows) for key in ("numbers", "KB"))
rows.append({"tensor": "total", "shape": "", "numbers": total, "KB": kilobytes})
table(rows, {"numbers": ",", "KB": ".2f"})

# %% [markdown]
# As much as about forty of the images take as bytes. Training needs a few times that, for gradients and momentum, which have the same shapes.
#
# ### How fast is a prediction?
#
# One image costs one multiplication and one addition for each weight. Compare a small convolutional network, whose filters are applied at every place
# of the image.

# %%
here = 784 * 10
network = (
    784 * 8 * (5 * 5 * 1)  # 8 filters of 5 x 5, at 784 places, 1 channel
    + 196 * 16 * (5 * 5 * 8)  # after pooling: 16 filters, 8 channels
    + 16 * 7 * 7 * 10  # the linear layer at the end
)
here, network, network / here

# %% [markdown]
# A count is not a time. A single image mostly pays for the calls, a large batch for the arithmetic.
# [The chapter about time](../claims/03_timing.ipynb) measures both on a quiet machine.

# %% tags=["remove-input"]
# @title The sentences above, guarded
from tutorial_utils.training import models

bound = (6 / (784 + 10)) ** 0.5
within = bool(model.linear.weight.abs().max() <= bound)
expect("the first weights lie within the bound", within, equals=True)
theirs = models.make_model(config).cpu().predict_proba(batch)
same = torch.allclose(probabilities, theirs, atol=1e-6)
expect("the package's model starts alike", same, equals=True)
expect("it has a favourite", probabilities[0].max(), above=0.15)
expect("about forty images", kilobytes * 1024 / 784, between=(38, 42))

# %% [markdown]
# ## Three fives, carried through
#
# Now give your model weights that have learnt. [Training](03_training.ipynb) finds them with a loop that you write there. Here they are
# loaded, or trained on the spot if nobody has trained them yet.

# %%
from tutorial_utils.report import results
from tutorial_utils.training.trainer import load_or_fit

trained, history = load_or_fit(config, data, results.output_folder())
model.load_state_dict(trained.cpu().state_dict())

_, validation = datasets.split(data.train, validation_split, seed)
labels, ink = validation.labels, validation.images[:, 0] / 255
with torch.no_grad():
    logits = model(datasets.standardise(validation))
p = logits.softmax(dim=1)
print(f"{(p.argmax(dim=1) == labels).float().mean():.3f} read correctly")

# %% [markdown]
# Fives are what we are after. Sort those among the validation images by the probability that they got for 3, and take three: the surest 5, one
# in doubt, and one that the model gets wrong.

# %%
fives = (labels == 5).nonzero().flatten()
fives = fives[p[fives, 3].argsort(descending=True)]
surest = fives[p[fives, 5].argmax()]
doubtful = fives[(p[fives, 3] - 0.5).abs().argmin()]
mine = fives[8]
three = torch.stack([surest, doubtful, mine])
losses = -p[three, 5].log()

# %% tags=["hide-input"]
# @title Figure: three fives, their logits, probabilities and losses
from tutorial_utils.plots.model import carried

carriage = logits[three], p[three], losses.tolist(), digits
show(
    carried(ink[three], labels[three].tolist(), *carriage),
    caption="Three images of a 5, their logits, the probabilities that softmax"
    " makes of them, and the loss of the true digit. The true digit is hatched"
    " blue, a wrong answer vermilion.",
    alt="Three rows. In the first the 5 has by far the highest logit and nearly"
    " all probability. In the second 3 and 5 are level. In the third the bar of"
    " 3 is higher than that of 5, for a 5 that is plain to read.",
    name="fig-mnist-carried",
)

# %% [markdown]
# Read each row from left to right. Logits may be any numbers, and only their differences count: the lead of one over another decides. Softmax stretches
# leads into shares. The loss looks at the true digit's share alone. Sure and right costs next to nothing, doubt costs a little, and wrong
# costs more.
#
# The third image is the one to remember. Nobody would misread it. The model says 3.

# %% tags=["remove-input"]
# @title The sentences above, guarded
accuracy = (p.argmax(dim=1) == labels).double().mean()
stored = history.best.validation_accuracy
gap = (accuracy - stored).abs()
expect("your model has the accuracy of training", gap, below=1e-3)
expect("sure and right costs next to nothing", losses[0], below=0.01)
expect("doubt costs a little", losses[1], between=(0.3, 0.9))
expect("wrong costs more", losses[2], above=1)
expect("the model says 3", p[mine].argmax(), equals=3)

# %% [markdown]
# ## What has it learnt?
#
# Each class has one weight for each pixel, so its weights can be drawn as an image. But take care. Add the same numbers to the weights
# of *all* classes, and no probability changes: softmax sees differences alone. So draw each class's weights minus the mean over the ten classes.

# %%
weights = model.linear.weight.detach().view(10, 28, 28)
relative = weights - weights.mean(dim=0)

# %% tags=["hide-input"]
# @title Figure: the weights of each digit
from tutorial_utils.plots.model import evidence_images

show(
    evidence_images(list(relative), digits),
    caption="Trained weights of each digit, relative to the mean over digits."
    " Blue: ink here speaks for the digit; red: against it.",
    alt="Ten maps of weights, rough and speckled. In the 0 a red streak in the"
    " centre, in the 1 a blue upright streak between red ones; in the others"
    " spots and arcs. The border is a faint speckle.",
    name="fig-mnist-weights",
)

# %% [markdown]
# In the 0, the centre is red: ink in the hole speaks against a 0. But these are no pictures of digits. They are rough, because pixels that are inked together can share
# their evidence in many ways, and the data hardly decide between them. And they show what tells digits *apart*, which is not what they look like.
#
# ### A border that means nothing
#
# Look at the rim. No training image has ink there, and still there is speckle. You might think that such
# weights never move, and hold their random start. Not quite: a blank pixel is not 0 after standardising, but $-0.42$, in every image alike. So it does get a gradient, the
# bias's gradient times $-0.42$, and every such pixel gets the same. Check it: how far did the weights of never-inked pixels move, and how far did the bias?

# %%
never = (data.train.images == 0).all(dim=0).flatten()
start = SoftmaxRegression(make_generator(seed, "initialisation"))
moved = (model.linear.weight - start.linear.weight).detach()[:, never]
blank = (0 - 0.1307) / 0.3081
torch.stack([moved.amin(1), moved.amax(1), blank * model.linear.bias.detach()])

# %% [markdown]
# Three equal rows: smallest move, largest move, $-0.42$ times the bias. Within a class all these weights moved alike, and together they act as one
# more bias. What makes them differ from each other is still the random start: the speckle. Read nothing into it.

# %% tags=["remove-input"]
# @title The sentences above, guarded
centre = relative[0, 12:16, 12:16].mean()
expect("ink in the hole speaks against a 0", centre, below=-0.05)
gap = (moved - blank * model.linear.bias.detach()[:, None]).abs().max()
expect("they moved by -0.42 times the bias", gap, below=1e-4)
rim = relative.view(10, 784)[:, never].std()
expect("there is speckle", rim / relative.std(), above=0.3)

# %% [markdown]
# ## Why does it read this 5 as a 3?
#
# Because the logit of 3 is higher than the logit of 5. That difference is a sum over pixels, so it can be taken apart without loss. One thing is in the way:
# blank paper is not 0, and has a say in the sum. So begin with a blank sheet, and then add ink. Standardised,
# ink $i$ is $(i - 0.1307)/0.3081$, so every bit of ink adds weight times ink / 0.3081 to what the blank sheet had.

# %%
sheet = torch.full((1, 1, 28, 28), blank)
z_sheet = model(sheet)[0].detach()
per_ink = weights / 0.3081
lead_of_sheet = z_sheet[3] - z_sheet[5]
votes = (per_ink[3] - per_ink[5]) * ink[mine]
lead = logits[mine, 3] - logits[mine, 5]
torch.testing.assert_close(lead_of_sheet + votes.sum(), lead, rtol=0, atol=1e-3)
print(f"sheet {lead_of_sheet:.2f}, ink {votes.sum():.2f}, lead {lead:.2f}")

# %% [markdown]
# No complaint, so that is the whole account. On a blank sheet the 5 leads. (For an empty page the model has to answer, too, and it would say 5.) Then the ink
# votes, and in the end the 3 is ahead. **Predict first:** which stroke does it? The neck, the bar, the belly?

# %% tags=["hide-input"]
# @title Figure: what each pixel said
show(
    evidence_images(
        [per_ink[3] - per_ink[5], votes],
        ["weights of 3 minus 5", "times the ink"],
        outlines=[ink[mine], ink[mine]],
    ),
    caption="The 5 of before, outlined. Left: weights of 3 minus weights of 5."
    " Right: the same, times the ink. Blue speaks for 3, red for 5.",
    alt="Two maps with the outline of a plain 5. On the right its bar at the"
    " top and its middle stroke are mostly blue, its neck and the stroke at the"
    " bottom mostly red.",
    name="fig-mnist-evidence",
)

# %% [markdown]
# Now let the ink come in row by row. In the book, take the slider to a blank sheet first; in a notebook, the picture shows the whole way.

# %% tags=["remove-input"]
# @title Figure: a digit's ink times its weights, row by row
from tutorial_utils.lessons import live

live.show("running_logit", ink=ink[mine], votes=votes, start=lead_of_sheet)

# %% [markdown]
# The bar at the top lifts the 3. Then comes the neck, on the left where a 3 has no ink, and speaks for the 5, loudly. But the stroke that leaves the neck to the right
# crosses the middle, where a 3 has its waist. It speaks for the 3, and the 5 never gets the lead back. [Where the averages differ](01_eda.ipynb#The-average-of-each-digit)
# had told you as much.
#
# So the model looks for no bar, no neck and no belly. It holds a vote. Every inked pixel votes by its place, and none knows whether its
# neighbour is inked. It cannot say "a neck that joins a belly is a 5". For that it would have to see several pixels at once, and
# [the end of this part](05_error_analysis.ipynb) tries models that do.

# %% tags=["remove-input"]
# @title The sentences above, guarded
by_row = votes.sum(dim=1)
bar, neck, middle = by_row[:8].sum(), by_row[8:12].sum(), by_row[12:16].sum()
hint = "the table below the figure that moves"
expect("on a blank sheet the 5 leads", lead_of_sheet, below=-1)
expect("an empty page would be a 5", z_sheet.argmax(), equals=5)
expect("the bar lifts the 3", bar, above=2, see=hint)
expect("the neck speaks for the 5", neck, below=-2, see=hint)
expect("the middle stroke speaks for the 3", middle, above=2)
after = (lead_of_sheet + by_row.cumsum(dim=0))[15:].min()
expect("the 5 never gets the lead back", after, above=0.05, see=hint)

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 ★ With a pencil
#
# The same model for CIFAR-10: colour images of 3 x 32 x 32, ten classes. How many parameters has it? Put the number in place of the dots.

# %%
from tutorial_utils.lessons import checks

your_count = ...
right = (3 * 32 * 32 + 1) * 10
checks.answer(your_count, right, tolerance=0.5, hint="do not forget the biases")

# %% tags=["hide-cell"]
# @title Solution
# 3 x 32 x 32 = 3,072 weights and one bias, for each of ten classes.
right

# %% [markdown]
# ### Exercise 2 ★ Predict, then run
#
# Turn your 5 upside down. Will it be read as a 5, a 2, or something else? Write your prediction in place of the dots, then run.

# %%
your_prediction = ...
upside_down = datasets.standardise(validation.subset(mine[None])).flip(2, 3)
answer = model(upside_down).argmax().item()
hint = "ink in other places meets other weights"
checks.answer(your_prediction, answer, tolerance=0.5, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# No rule says what must come out: the weights were never asked about this.
model.predict_proba(upside_down).detach()

# %% [markdown]
# ### Exercise 3 ★★ Without the module
#
# Write `logits_of(images, weight, bias)` for a batch of shape (n, 1, 28, 28), with `@` alone. The starter is for one image. Run it, and mend it.


# %%
def logits_of(images, weight, bias):
    return weight @ images.flatten() + bias


W, b = model.linear.weight.detach(), model.linear.bias.detach()
checks.function(
    logits_of,
    lambda images, weight, bias: model(images),
    [(batch[:1], W, b), (batch, W, b)],
)


# %% tags=["hide-cell"]
# @title Solution
# (64, 784) times (784, 10), plus (10,): the bias is broadcast over the batch.
def my_logits_of(images, weight, bias):
    return images.flatten(start_dim=1) @ weight.T + bias


torch.testing.assert_close(my_logits_of(batch, W, b), model(batch).detach())

# %% [markdown]
# ### Exercise 4 ★★★ Half the precision
#
# Store the trained weights as `float16`, which halves the memory. Turn them back, read the validation images again, and count how many answers
# change.

# %% tags=["remove-cell"]
# @title What the check of exercise 4 compares with
halves = [weight.half().float() for weight in (W, b)]
flat = datasets.standardise(validation).flatten(start_dim=1)
rounded = nn.functional.linear(flat, *halves)
changed = (rounded.argmax(dim=1) != logits.argmax(dim=1)).sum().item()

# %%
your_answer = ...
hint = "weight.half().float() rounds; compare argmax before and after"
checks.answer(your_answer, changed, tolerance=0.5, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# Very few, if any: only images where two logits are all but equal.
small = SoftmaxRegression(None)
rounded = {k: v.half().float() for k, v in model.state_dict().items()}
small.load_state_dict(rounded)
with torch.no_grad():
    answers = small(datasets.standardise(validation)).argmax(dim=1)
(answers != logits.argmax(dim=1)).sum()

# %% [markdown]
# ## Five questions

# %% tags=["remove-input"]
# @title Five questions
from tutorial_utils.lessons.questions import ask, choice, number

ask(
    [
        choice(
            "What is the shape of `linear.weight`?",
            ["(784, 10)", "(10, 784)", "(28, 28)"],
            correct=str(tuple(W.shape)),
            because="one row of 784 weights for each of ten classes.",
        ),
        number(
            "How many parameters has the model?",
            answer=total,
            tolerance=0.5,
            form=",.0f",
            because="784 weights and one bias for each of ten digits.",
        ),
        choice(
            "All ten biases grow by 7. What happens to the probabilities?",
            {
                "nothing": "",
                "all grow": "They still sum to one.",
                "they become more equal": "Differences stay as they are.",
            },
            correct="nothing",
            because="every logit grows by 7, and differences stay.",
        ),
        choice(
            "A never-inked pixel at the border has a large weight for 8."
            " What does it mean?",
            {
                "8 reaches the border": "No training image has ink there.",
                "nothing": "",
                "the model overfits": "These weights never saw any variation.",
            },
            correct="nothing",
            because="it is the random start, plus what every such pixel got.",
            sure=True,
        ),
        choice(
            "You shuffle the pixels of all images in one and the same way, and"
            " train again. What happens to the accuracy?",
            {
                "it drops to one in ten": "The weights are shuffled alike.",
                "it stays about the same": "",
                "it rises": "There is nothing to be gained.",
            },
            correct="it stays about the same",
            because="a pixel's weight does not care where its neighbours are.",
            sure=True,
        ),
    ]
)

# %% [markdown]
# ## Further reading
#
# * [Glorot and Bengio 2010](https://proceedings.mlr.press/v9/glorot10a.html), on first weights in deep networks, where they matter more than here.
# * [The page that reads your digits](../../book/demo.md) takes apart the logits of what you draw, in the same way.
#
# You took one answer apart, and it was the weights that decided. Where do they come from? [Training](03_training.ipynb) writes the loop.

# %% tags=["remove-cell"]
# @title The results file
border = torch.ones(28, 28, dtype=torch.bool)
border[4:24, 4:24] = False
path = results.write(
    "mnist/02_model",
    parameters=config.model_dump(),
    metrics={
        "num_parameters": total,
        "kilobytes": kilobytes,
        "multiplications_per_image": here,
        "xavier_bound": bound,
        "validation_loss": history.best.validation_loss,
        "validation_accuracy": history.best.validation_accuracy,
        "weight_spread_border": relative[:, border].std(),
        "weight_spread_inside": relative[:, ~border].std(),
    },
    data_hash=data.fingerprint,
)
