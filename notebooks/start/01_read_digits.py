# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Read digits in ninety minutes
#
# How does a machine learn to read handwritten digits, and why does it read my 5 as a 3? You build a model that reads them, train it,
# find out how often it is right, and take one of its mistakes apart.
#
# *90 minutes to read and run it. If all of this is new, leave the exercises for a second sitting of about an hour.*
# **You need** some Python with classes, exponentials, logarithms and slopes. If tensors are new to you, spend
# [forty minutes on them](02_tensors_and_gradients.ipynb) first. To run the cells, take the rocket above this page to Colab, or see
# [How to run the book](../../book/how_to_run.md).
#
# After this chapter you can
#
# * write a classifier in eight lines, and train it with seven more;
# * tell score, probability and loss apart;
# * report an accuracy with its uncertainty;
# * explain a single answer, pixel by pixel.
#
# The cell that begins with `seed` holds the settings. Leave them as they are the first time. Later, change one, run as far as the
# validation loss, and open the test images only for the settings you keep.

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
seed: int = 0  # fixes split, first weights and order, 0 or more
num_epochs: int = 5  # passes over the training images, 1 or more
batch_size: int = 64  # images per update, 1 to 54,000
learning_rate: float = 0.1  # step length, above 0
validation_split: float = 0.1  # share of images held out, between 0 and 1

# %% tags=["remove-input"]
# @title Check the settings: a wrong one stops the notebook here, and says why
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.training.config import TrainingConfig

config = TrainingConfig(
    seed=seed,
    num_epochs=num_epochs,
    batch_size=batch_size,
    learning_rate=learning_rate,
    validation_split=validation_split,
)
use_book_style()

# %% [markdown]
# ## Minutes 0 to 5: break one first
#
# Open [the page that reads your digits](../../book/demo.md) in a second window
# ([its address](https://logistic-regression-measured.github.io/book/book/demo.html), if you are in a notebook). A trained model lives
# there. Draw a 5 as you always do. Then draw worse ones: a short bar at the top, a leaning neck below its left end, an
# open belly at the foot. Go on until the page says 3, or something else that you did not mean.
#
# Keep that drawing: **Save picture**, below the paper. At the end, your own model gets to read it. It may answer otherwise: the page's
# model was trained longer.
#
# Now write one sentence on a piece of paper: *what in my drawing misled it?*
#
# ## Minutes 5 to 20: the images
#
# The model learns from MNIST: 70,000 digits written by employees of the US census and by high-school students
# ([LeCun et al. 1998](https://doi.org/10.1109/5.726791)). Each is a small picture in grey, with a label from 0 to 9. The next cell
# fetches them and makes three sets.

# %%
import torch
from torch import nn

from tutorial_utils.data import datasets

data = datasets.load("mnist")
train, validation = datasets.split(data.train, validation_split, seed)
len(train), len(validation), len(data.test)

# %% [markdown]
# * The **training** images change the model.
# * The **validation** images tell you how it does on digits that it never learnt from. Look at them as often as you like while
#   you make choices.
# * The **test** images wait until nothing is left to choose. You look at them once. Whoever tries ten models on the test
#   images and keeps the best has chosen with them, and no longer knows how good it is.

# %%
images, labels = train.images / 255, train.labels
images.shape

# %% [markdown]
# Read the shape from the left: so many images, one grey channel, 28 rows, 28 columns. A **batch** is a
# handful of images, cut from the first axis: `images[:64]` has the shape (64, 1, 28, 28).
#
# Pixels are stored as whole numbers from 0, blank paper, to 255, full ink. Divided by 255, they lie between 0 and 1.

# %% tags=["hide-input"]
# @title Figure: 25 training images
from tutorial_utils.lessons.show import show
from tutorial_utils.plots.data import image_grid

torch.manual_seed(seed)
picked = torch.randperm(len(images))[:25]
titles = [str(int(label)) for label in labels[picked]]
axes = image_grid(images[picked, 0], titles)
show(
    axes,
    caption="Twenty-five training images, chosen at random, with labels.",
    alt="Five rows of five handwritten digits in dark ink on white. Slant and"
    " thickness differ, and a few are hard to read.",
)

# %% [markdown]
# ## Minutes 20 to 35: scores, probabilities, loss
#
# The model will give an image ten **scores**, one for each digit. A higher score means "more like this one". To see
# what becomes of scores, three digits are enough: 3, 5 and 8. Make their scores up.

# %%
scores = torch.tensor([2.0, 1.0, -1.0])  # of the digits 3, 5 and 8
powers = scores.exp()
probabilities = powers / powers.sum()
probabilities

# %% [markdown]
# This is **softmax**. The exponential makes every score positive, and dividing by the sum makes them add up to one. The highest score gets
# the largest share, and every digit gets some. Try it: add 10 to all three scores, and the probabilities stay as they are. Only
# differences between scores count.
#
# Next, put a number on how wrong that answer is. Say that the image showed a 5, the second of the three.

# %%
loss = -probabilities[1].log()
loss

# %% [markdown]
# This is **cross-entropy**: minus the logarithm of the probability that the model gave to the true digit. At probability 1 the loss is 0. At one
# half it is ln 2, about 0.69. Towards 0 it grows without end. So doubt is cheap, and being sure of something false is dear.
#
# Move the scores, and watch both. In a notebook, the link below the picture leads to where they move.

# %% tags=["remove-input"]
# @title Figure: three scores, their probabilities, and the loss
from tutorial_utils.lessons import live

live.show("softmax")

# %% [markdown]
# PyTorch does both at once. Mind that `cross_entropy` takes scores, not probabilities:

# %%
from torch.nn.functional import cross_entropy

torch.testing.assert_close(cross_entropy(scores, torch.tensor(1)), loss)

# %% [markdown]
# No complaint: the two agree.
#
# ### Exercise 1 ★ (pencil)
#
# Ten scores are all 0. What does softmax make of them? What is the loss, whichever class is true? Put it in place of the dots.

# %%
from tutorial_utils.lessons import checks

your_loss = ...
ten_zeros = cross_entropy(torch.zeros(1, 10), torch.tensor([5]))
checks.answer(your_loss, ten_zeros, tolerance=0.01, hint="equal shares")

# %% tags=["hide-cell"]
# @title Solution
# Equal scores get equal shares, one tenth each. The loss is -ln 0.1 = ln 10.
cross_entropy(torch.zeros(10), torch.tensor(0))

# %% [markdown]
# ## Minutes 35 to 45: the model, in eight lines
#
# Where do ten scores come from? Each digit has one weight for every pixel. Its score is the sum of all pixels times their weights, plus one
# more number, its bias. With the pixels of an image in a row $x$, the score of digit $k$ is
#
# $$
# z_k = w_k \cdot x + b_k .
# $$


# %%
class SoftmaxRegression(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(784, 10)

    def forward(self, images):
        return self.linear(images.flatten(start_dim=1))


torch.manual_seed(seed)
model = SoftmaxRegression()

# %% [markdown]
# That is the whole model, known as **softmax regression**. PyTorch's models are classes of the kind `nn.Module`, and `super().__init__()` sets that
# up. `nn.Linear` holds the weights and the biases, small random numbers to begin with. Calling `model(images)` runs `forward`: `flatten`
# lays the 28 rows of an image end to end, which makes 784 numbers. Its answer is the digit with the highest score, which `argmax` finds.
#
# What is it worth before it has learnt anything? Measure the loss, and the share of images that are read correctly. (`no_grad`: nothing is
# learnt here. `*held_out` hands over images and labels.)


# %%
@torch.no_grad()
def measure(model, images, labels):
    scores = model(images)
    hits = scores.argmax(dim=1) == labels
    return cross_entropy(scores, labels), hits.float().mean()


held_out = validation.images / 255, validation.labels
untrained = [measure(SoftmaxRegression(), *held_out) for _ in range(20)]
untrained = torch.tensor(untrained)  # 20 rows: loss, share
untrained.amin(dim=0), untrained.mean(dim=0), untrained.amax(dim=0)

# %% [markdown]
# Twenty untrained models, loss and share of each: the lowest, the mean, the highest.
# On average the loss is near the ln 10 of ten equal shares, and one image in ten is read correctly, as by guessing.

# %% tags=["remove-input"]
# @title The book's own check (skip)
from tutorial_utils.lessons.expect import expect

mean_loss, mean_share = untrained.mean(dim=0)
expect("untrained, the loss is near ln 10", mean_loss, between=(2.2, 2.5))
expect("untrained, one in ten is right", mean_share, between=(0.06, 0.14))

# %% [markdown]
# ## Minutes 45 to 65: learning
#
# ### Which way?
#
# Give the untrained model one training image, a 5. It answers with ten probabilities $p$. The right answer $y$ would have been 1 for the
# five and 0 for the rest. How does the loss change when you move one of the ten scores? PyTorch can tell: `backward` goes
# back from the loss to whatever it was made of, and leaves the slope in `grad`.

# %%
five = (labels == 5).nonzero()[0]  # first place where that is true
z = model(images[five]).detach().requires_grad_()  # scores to be moved
cross_entropy(z, labels[five]).backward()

p = z.detach().softmax(dim=1)
y = nn.functional.one_hot(labels[five], 10)
torch.testing.assert_close(z.grad, p - y)

# %% [markdown]
# The slope is $p - y$: what the model said, minus what it should have said. ([Gradients](../foundations/02_gradients.ipynb) derives it.)

# %% tags=["hide-input"]
# @title Figure: p - y
from tutorial_utils.plots.foundations import pushes

digits = [str(digit) for digit in range(10)]
show(
    pushes(p[0], (y - p)[0], digits, xlabel="digit"),
    caption="An untrained model's probabilities for an image of a 5 (left), and"
    " the push that lowers the loss: minus the slope (right).",
    alt="Left: ten bars of similar height around 0.1. Right: one tall blue"
    " bar upwards at the digit 5, and nine short orange bars downwards at"
    " the others.",
)

# %% [markdown]
# To make the loss smaller, go against the slope. The true digit's score is pushed up by all that its probability lacked, each other score down by
# just what its digit was given.
#
# Scores are made of weights and biases, so the push goes on to them. A weight's push is its digit's push times its pixel; where the image is
# blank, there is none. A bias's push is its digit's push itself. The loop below averages these pushes over a batch, and takes a step of **learning rate** times
# that.
#
# ### Exercise 2 ★★ (predict, then run)
#
# Ten scores are 0, and the image shows a 5. How strong is the push on the score of the 5? Put your prediction in place of the dots.

# %%
your_push = ...
zeros = torch.zeros(1, 10, requires_grad=True)
cross_entropy(zeros, torch.tensor([5])).backward()
checks.answer(your_push, -zeros.grad[0, 5], tolerance=0.01, hint="y - p")

# %% tags=["hide-cell"]
# @title Solution
# Each digit is given 0.1. So y - p is 1 - 0.1 for the 5, and -0.1 elsewhere.
-zeros.grad

# %% [markdown]
# ### The loop, in seven lines
#
# Seven, and the three with `losses` that keep the record.

# %%
optimiser = torch.optim.SGD(model.parameters(), lr=learning_rate)
losses = torch.zeros(num_epochs, 2)
for epoch in range(num_epochs):
    for batch in torch.randperm(len(images)).split(batch_size):
        batch_loss = cross_entropy(model(images[batch]), labels[batch])
        optimiser.zero_grad()
        batch_loss.backward()
        optimiser.step()
    losses[epoch, 0], _ = measure(model, *held_out)
    losses[epoch, 1], _ = measure(model, images, labels)

# %% [markdown]
# * An **epoch** is one pass over the training images. `randperm` shuffles them, `split` cuts the order into batches.
# * `zero_grad` forgets the slopes of the batch before; `backward` would add to them.
# * `backward` finds the slope of the loss in every weight and every bias.
# * `SGD`, stochastic gradient descent, owns the weights: `step` moves each against its slope, by the slope times the learning rate.
#
# (Run this cell twice, and it goes on training. To start afresh, run the model's cell first.) Before you look, say how good it will be.

# %% tags=["remove-input"]
# @title Predict
from tutorial_utils.lessons.questions import ask, choice, number, predict

_, accuracy = measure(model, *held_out)
options = {"half": 0.5, "three in four": 0.75, "nine in ten": 0.9, "all": 1}
nearest = min(options, key=lambda name: abs(options[name] - accuracy))
ask(
    [
        predict(
            "How many of the validation images does it read correctly?",
            list(options),
            correct=nearest,
            because=f"the share is {accuracy:.3f}, after {num_epochs} epochs.",
        )
    ]
)

# %%
measure(model, *held_out)  # loss, and share read correctly

# %% tags=["hide-input"]
# @title Figure: the loss after each epoch
from tutorial_utils.plots.training import compare_curves

epochs = range(1, num_epochs + 1)
lines = {"training": (epochs, losses[:, 1])}
lines["validation"] = (epochs, losses[:, 0])
ax = compare_curves(lines, xlabel="epoch", ylabel="mean loss", marked=True)
ax.xaxis.get_major_locator().set_params(integer=True)
show(
    ax,
    caption="Mean loss after each epoch.",
    alt="Two falling lines, close together: steep from the first epoch to"
    " the second, then flatter; the line of the training images lies"
    " lowest.",
)

# %% [markdown]
# Both lines fall, first fast, then slowly. The gap grows, but stays small beside the loss itself: what was learnt from the training images holds for
# digits that the model has never seen.

# %% tags=["remove-input"]
# @title The book's own check (skip)
expect("the validation loss falls", losses[-1, 0], below=losses[0, 0])
gaps = losses[:, 0] - losses[:, 1]
expect("the gap grows", gaps[-1], above=gaps[0])
expect("it stays small", gaps.abs().max(), below=0.1 * losses.min())

# %% [markdown]
# ## Minutes 65 to 75: how good is it?
#
# Nothing is left to choose. Open the test images, once.

# %%
from tutorial_utils.evaluation.statistics import wilson_interval

test_images, test_labels = data.test.images / 255, data.test.labels
with torch.no_grad():
    answers = model(test_images).softmax(dim=1)
confidence, predicted = answers.max(dim=1)
right = (predicted == test_labels).sum().item()
low, high = wilson_interval(right, len(test_labels))

# %% tags=["remove-input"]
# @title Table: test accuracy
from tutorial_utils.report.narrate import percent, table

table(
    [
        {
            "test accuracy": percent(right / len(test_labels)),
            "95 % interval": f"{percent(low)} to {percent(high)}",
            "images": f"{len(test_labels):,}",
        }
    ]
)

# %% [markdown]
# The accuracy says what happened on these images. With others of the same kind, you would have counted somewhat more or fewer. The interval holds the
# true rates that go well with your count ([Wilson 1927](https://doi.org/10.1080/01621459.1927.10502953)). It is a 95 % **confidence interval**: about one in twenty
# such intervals misses the truth, if images are independent of each other. They are not quite: one writer gave many digits, so the honest
# interval is wider. Nor does it count the chance in training, where another seed gives another model.
#
# If a friend's model does a tenth of a point better, this interval cannot say whether that is chance. Compare the two image by image:
# [Evaluation](../mnist/04_evaluation.ipynb) shows how.
#
# ### Which digits does it confuse?
#
# One number hides where the mistakes are. Count every pair of true and predicted digit; a 5 read as a 3 is number 53:

# %%
pairs = 10 * test_labels + predicted
matrix = torch.bincount(pairs, minlength=100).view(10, 10)

# %% tags=["hide-input"]
# @title Figure: the confusion matrix
from tutorial_utils.plots.evaluation import confusion_matrix

show(
    confusion_matrix(matrix, digits),
    caption="Test images by true and predicted digit. Correct ones stand on the"
    " diagonal, in bold; colour shows the mistakes alone.",
    alt="A table of ten rows, true digits, and ten columns, predicted"
    " digits. Large numbers on the diagonal; the darkest cells beside it"
    " are pairs that look alike.",
)

# %% [markdown]
# A row holds all images of one digit. Follow the row of the 5 to the column of the 3: yours is not the only one. Of ninety possible mistakes,
# it is one of the ten most common. The share of each row on the diagonal, from 0 to 9, is that digit's **recall**:

# %%
recall = matrix.diagonal() / matrix.sum(dim=1)
recall

# %% [markdown]
# Few digits are found less often than the 5.

# %% tags=["remove-input"]
# @title The book's own check (skip)
mistakes = matrix - matrix.diagonal().diag()
rank = int((mistakes > mistakes[5, 3]).sum()) + 1
expect("a 5 read as a 3 is one of the ten most common mistakes", rank, below=11)
expect("few are found less often", (recall < recall[5]).sum(), below=4)

# %% tags=["hide-input"]
# @title Figure: the fifteen worst mistakes
wrong = (predicted != test_labels).nonzero().flatten()
worst = wrong[confidence[wrong].argsort(descending=True)[:15]]
titles = [
    f"{test_labels[i]}, read as {predicted[i]}\n{percent(confidence[i], 1)}"
    for i in worst
]
show(
    image_grid(test_images[worst, 0], titles),
    caption="The fifteen mistakes it was surest of: label, answer, and the"
    " answer's probability.",
    alt="Three rows of five handwritten digits, some deformed or ambiguous,"
    " some easy for a human reader, each under its label and the wrong"
    " answer.",
)

# %% [markdown]
# Cover the titles, and read these digits yourself. Some would have fooled you. Others are plain to you, and the model
# was still all but certain.

# %% tags=["remove-input"]
# @title The book's own check (skip)
expect("it was all but certain", confidence[worst].min(), above=0.9)

# %% [markdown]
# ## Minutes 75 to 84: why does it read my 5 as a 3?
#
# Now your drawing. Put its file beside this notebook (on Colab: into the folder at the left), and write its name, in quotes, in place of `A_FIVE`. Until then, the
# cell reads a 5 that comes with the book. `read_digit` scales your digit to 20 x 20
# and centres it, as MNIST was made; where on the paper you drew does not matter. `drawing[None]` is a batch of one, and `topk` finds the two likeliest
# digits.

# %%
from tutorial_utils.lessons.read_digit import A_FIVE, read_digit

drawing = read_digit(A_FIVE) / 255  # or read_digit("my_digit.png") / 255
answer = model(drawing[None]).detach().softmax(dim=1)[0]
first, second = answer.topk(2).indices.tolist()

weights, bias = model.linear.weight.detach(), model.linear.bias.detach()
difference = (weights[first] - weights[second]).view(28, 28)
evidence = difference * drawing[0]
evidence.sum(), bias[first] - bias[second]

# %% tags=["hide-input"]
# @title Figure: your digit, read
from tutorial_utils.plots.data import votes

likely = [f"{digit}: {percent(answer[digit], 0)}" for digit in (first, second)]
middle = f"weights of {first} minus {second}"
titles = [", ".join(likely), middle, "weights times ink"]
show(
    votes(drawing[0], difference, evidence, titles),
    caption="The drawing, and the two likeliest digits (left); the weights of"
    " the first minus those of the second (middle); the same, times the"
    " ink (right). Blue speaks for the first digit, red for the second.",
    alt="For the book's 5. Left: a 5 with a leaning neck, in 28 by 28 pixels."
    " Middle: a patchwork of blue and red. Right: the 5 with a dark red"
    " neck, and a bar and slant that are mostly blue.",
)

# %% [markdown]
# This is the whole reason. The lead of the first digit's score has two parts, printed above. The right picture adds up to the pixels' part; the two
# biases add the rest, whatever the image. Blank paper is 0 and has no say.
#
# Read the book's 5 from top to bottom. The bar (rows 4 to 6) speaks for the 3, on balance. The neck (rows 7 to 11) speaks for the 5, loudly, and so do
# the biases. But the slanting stroke (rows 12 to 17) crosses the middle, where a 3 has its waist, and speaks for the 3. Bar and slant outvote the rest.
#
# So the model looks for no bar, no neck and no belly. It holds a vote. Each inked pixel votes by its place, and for itself: none knows whether its neighbour
# is inked. What a place votes for is what all the pushes of training have left there.
#
# Compare that with the sentence you wrote at the start.

# %% tags=["remove-input"]
# @title The book's own check (skip)
lead = (answer[first] / answer[second]).log()
rest = lead - evidence.sum() - (bias[first] - bias[second])
expect("pixels and biases make the lead", rest.abs(), below=1e-3)
expect("the biases speak for the 5", bias[3] - bias[5], below=-0.5)
a_five = read_digit(A_FIVE) / 255
example = model(a_five[None]).detach().softmax(dim=1)[0]
expect("the book's 5 is read as a 3", example[3], above=0.6)
by_row = ((weights[3] - weights[5]).view(28, 28) * a_five[0]).sum(dim=1)
bar, neck, slant = by_row[:7].sum(), by_row[7:12].sum(), by_row[12:18].sum()
expect("the neck speaks for the 5", neck, below=-1)
expect("the slanting stroke speaks for the 3", slant, above=1)
expect("so does the bar at the top", bar, above=1)

# %% [markdown]
# ### Exercise 3 ★★★ (for later)
#
# How few pixels must change before your model reads the second likeliest digit, not the first? Take away ink, or add some.

# %%
edited = drawing.clone()
edited[0, 13, 16] = 0  # row and column; 0 is paper, 1 is ink
now = model(edited[None]).argmax().item()
print("pixels changed:", (edited != drawing).sum().item())
wrong = f"it is still read as {now}"
hint = "dark blue ink, or blank paper where the middle picture is dark red"
checks.answer(now, second, tolerance=0.5, wrong=wrong, hint=hint)

# %% tags=["hide-cell"]
# @title Solution
# The change that pays most comes first: paper where the weights are blue, ink
# where they are red. Shown: row, column, and what is put there.
edited, changes, goal = drawing.clone(), [], (difference < 0).float()
while model(edited[None]).argmax() != second and len(changes) < 784:
    row, column = divmod((difference * (edited[0] - goal)).argmax().item(), 28)
    edited[0, row, column] = goal[row, column]
    changes.append((row, column, goal[row, column].item()))
changes

# %% [markdown]
# ## Minutes 84 to 90: eight questions

# %% tags=["remove-input"]
# @title Eight questions
parameters = sum(weight.numel() for weight in model.parameters())
ask(
    [
        choice(
            "You try three learning rates. Which images choose between them?",
            {
                "training": "The model has learnt from those: they flatter it.",
                "validation": "",
                "test": "What would then tell how good the chosen one is?",
            },
            correct="validation",
            because="the test images wait until nothing is left to choose.",
        ),
        choice(
            "You add 10 to every score. What changes?",
            {
                "the probabilities": "Only differences count.",
                "the loss": "It follows the probabilities.",
                "neither": "",
            },
            correct="neither"
            if torch.allclose((scores + 10).softmax(dim=0), probabilities)
            else "the probabilities",
            because="the factor e¹⁰ cancels.",
        ),
        number(
            "The true digit got probability 0.25. The loss, to two decimals?",
            answer=-torch.tensor(0.25).log(),
            tolerance=0.011,
            form=".2f",
            because="minus the natural logarithm of 0.25.",
        ),
        number(
            "How many weights and biases does this model have, in all?",
            answer=parameters,
            tolerance=0.5,
            form=",.0f",
            because="784 weights and one bias for each of ten digits.",
        ),
        number(
            "How many steps does one epoch take?",
            answer=-(-len(images) // batch_size),
            tolerance=0.5,
            form=",.0f",
            because=f"{len(images):,} / {batch_size}, rounded up.",
        ),
        number(
            "How many 5s of the test set were read as a 3?",
            answer=matrix[5, 3],
            tolerance=0.5,
            form=",.0f",
            because=f"row 5, column 3. ({matrix[3, 5]} are 3s read as a 5.)",
        ),
        choice(
            "Tested on the same images, another model lands inside your "
            "interval. What do you do next?",
            {
                "call them equal": "It may well be better, or worse.",
                "call it better": "The lead may still be chance.",
                "count the images that only one of the two reads correctly": "",
            },
            correct="count the images that only one of the two reads correctly",
            because="there the two differ; all other images say nothing.",
        ),
        choice(
            "You shift a prepared 28 x 28 image by four pixels. What changes "
            "for the model?",
            {
                "nothing: its shape is unchanged": "It knows no shapes.",
                "only the biases": "They are the same for every image.",
                "which weights the ink meets": "",
            },
            correct="which weights the ink meets",
            because="a weight belongs to one place.",
        ),
    ]
)

# %% [markdown]
# ## Three doors
#
# You have written, trained and judged a classifier, and you can take an answer apart.
#
# * **Why?** Why exponentials, why this loss, and where does $p - y$ come from? [Softmax and cross-entropy](../foundations/01_softmax_and_cross_entropy.ipynb)
#   begins with the curves.
# * **Better?** [Training on MNIST](../mnist/03_training.ipynb) goes on with your loop and adds momentum; [Tuning](../mnist/03b_tuning.ipynb)
#   chooses learning rate and schedule.
# * **Sure?** Other seeds, other test images, calibrated probabilities: [Evaluation](../mnist/04_evaluation.ipynb) asks what your accuracy is worth.

# %% tags=["remove-cell"]
# @title Results: what this page measured, for the book's own tables
from tutorial_utils.report import results

settings = "seed num_epochs batch_size learning_rate validation_split"
path = results.write(
    "start/01_read_digits",
    parameters=config.model_dump(include=set(settings.split())),
    metrics={
        "epochs": num_epochs,
        "test_accuracy": right / len(test_labels),
        "test_accuracy_low": low,
        "test_accuracy_high": high,
        "test_loss": measure(model, test_images, test_labels)[0],
        "n_test": len(test_labels),
        "confusion_matrix": matrix,
        "validation_accuracy": accuracy,
        "validation_losses": losses[:, 0],
        "training_losses": losses[:, 1],
        "untrained_accuracies": untrained[:, 1],
    },
    data_hash=data.fingerprint,
)
