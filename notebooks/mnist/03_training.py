# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Training on MNIST
#
# A model with random weights knows nothing. This chapter turns it into one that reads handwritten digits,
# and measures every choice on the way: the loss, the step length, the schedule, when to stop, how many
# images to look at before each step. It closes with nine short experiments on what goes wrong, and what helps.
#
# **After this chapter you can**
#
# * write the training loop of softmax regression from memory, and say what each line is for;
# * split off validation data honestly, and show what a leak does to the numbers;
# * read loss curves: convergence, plateaus, overfitting;
# * tell apart what chance in the images and chance in training do to an accuracy;
# * find a learning rate with a range test that disturbs nothing;
# * choose a batch size knowing what it costs;
# * recognise the usual failures of training by their curves, and know what helps.
#
# **You need** [](02_model), and the idea of a derivative. The model is one linear layer from 784 pixels
# to 10 scores, one per digit.
#
# The cell below holds the settings. Change one, run the chapter again, and every computed number and sentence
# follows. As shipped, they are the settings of the published tutorial that this part re-examines
# {cite}`researchscientistpod`, with one exception: its patience of 5 epochs is set to 30 here, for a reason
# that [a later section](mnist-early-stopping) measures.

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
initialisation: str = "xavier_uniform"  # initial weights, "xavier_uniform" or "default"
num_epochs: int = 30  # passes over the training images, 1 or more
batch_size: int = 64  # images per update, 1 to 54,000
learning_rate: float = 0.01  # step length of the first epoch, above 0
momentum: float = 0.9  # share of the last step kept in the next, 0 to below 1
weight_decay: float = 0.0  # strength of the L2 penalty, 0 or more
learning_rate_decay: float = 0.1  # factor on the rate at each decay, above 0 to 1
learning_rate_step: int = 10  # epochs between two decays, 1 or more
validation_split: float = 0.1  # share of images held out, between 0 and 1
early_stopping_patience: int = 30  # epochs without improvement, 1 or more
divergence_bound: float = 1e4  # batch loss in nats that ends training, above 2.303
log_interval: int = 100  # batches between two updates of the progress bar, 1 or more
num_seeds: int = 10  # repeated runs in the comparison over seeds, 2 or more
short_epochs: int = 6  # epochs of the comparisons, 3 or more

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

# %% [markdown]
# Every field of `TrainingConfig` takes the variable of the same name above. A wrong value stops the chapter right
# here, before any data is touched, and the message lists all problems at once. A cell imports what it is the first to need.

# %%
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.report.narrate import enumerate_words, interval, percent, say, table

use_book_style()
say(*config.notes)

# %% [markdown]
# (mnist-honest-split)=
# ## Two disjoint sets of images
#
# Training adapts the weights to the training images. To learn how well that works on images it has not
# seen, some images are held out: the **validation** set. A random permutation of the 60,000 training images
# decides; its first part is held out (`validation_split`), the rest is trained on. The 10,000 test images stay untouched until
# the next chapter.

# %%
from tutorial_utils.data import datasets
from tutorial_utils.training.batches import Batches, training_batches

data = datasets.load(config.dataset)
train_indices, validation_indices = datasets.split_indices(
    len(data.train), config.validation_split, config.seed
)
assert not set(train_indices.tolist()) & set(validation_indices.tolist())
train, validation = training_batches(data.train, config)
say(
    f"{len(train_indices):,} images to train on, {len(validation_indices):,} to"
    " validate on, none in both. One epoch, each training image once, is"
    f" {len(train):,} batches."
)

# %% [markdown]
# Batches are drawn in a new random order every epoch for training, and in a fixed order for validation:
# the order changes what is learnt, but not what is measured. Pixels arrive standardised, with the mean
# subtracted and divided by the standard deviation of the training images.
#
# (mnist-loss-and-optimiser)=
# ## The loss and the optimiser
#
# The logits $z_k$ and probabilities $p_k$ are those of [](02_model). The **cross-entropy** of one image is minus the
# natural logarithm of the probability that its true class $y$ received, in a unit called nats:
#
# $$
# \ell = -\ln p_y = -z_y + \ln \sum_j e^{z_j}.
# $$
#
# [The foundations](foundations-cross-entropy) explain why accuracy would not do as a loss, and [derive its gradient](foundations-update-rule).
# The loss of a batch is the mean over its images. In PyTorch, `cross_entropy` takes the logits, not the
# probabilities. Here it is by hand, on the first batch and the untrained model.

# %%
import torch
import torch.nn.functional as F

from tutorial_utils.training.models import LogisticRegression, make_model

model = make_model(config).cpu()
images, labels = next(iter(validation))
logits = model(images)
log_probabilities = logits - logits.logsumexp(dim=1, keepdim=True)
by_hand = -log_probabilities[torch.arange(len(labels)), labels].mean()
torch.testing.assert_close(by_hand, F.cross_entropy(logits, labels))
say(
    f"By hand and by PyTorch: {by_hand.item():.4f} nats. A model that spreads its"
    " probability evenly over ten classes costs ln 10 ="
    f" {torch.tensor(10.0).log().item():.4f}; random weights cost more,"
    " because they favour some classes without reason."
)

# %% [markdown]
# **Stochastic gradient descent with momentum** moves each weight against its gradient $g$, and keeps a share
# $\mu$ of its last move {cite}`polyak1964`:
#
# $$
# v \leftarrow \mu v + g, \qquad w \leftarrow w - \eta v,
# $$
#
# where $\eta$ is the learning rate. Two updates written out, against `torch.optim.SGD`:

# %%
mine, theirs = make_model(config).cpu(), make_model(config).cpu()
optimiser = torch.optim.SGD(
    theirs.parameters(), lr=config.learning_rate, momentum=config.momentum
)
velocity = {name: torch.zeros_like(weight) for name, weight in mine.named_parameters()}
for _ in range(2):
    mine.zero_grad()
    F.cross_entropy(mine(images), labels).backward()
    with torch.no_grad():
        for name, weight in mine.named_parameters():
            velocity[name] = config.momentum * velocity[name] + weight.grad
            weight -= config.learning_rate * velocity[name]
    optimiser.zero_grad()
    F.cross_entropy(theirs(images), labels).backward()
    optimiser.step()
torch.testing.assert_close(mine.linear.weight, theirs.linear.weight)

# %% [markdown]
# The weights agree. Despite its name, the optimiser does nothing stochastic: it is the batches that are
# drawn at random.
#
# (mnist-config)=
# ## The settings, and what each does
#
# All settings live in one frozen object. Each is read by the code and each changes what happens; the tests
# of this book check that field by field. (In the published tutorial nothing reads `log_interval`, and its
# data loaders ignore two further fields.)

# %%
defaults = TrainingConfig()
table(
    [
        {
            "field": name,
            "default": str(getattr(defaults, name)),
            "here": str(getattr(config, name)),
            "what it does": field.description,
        }
        for name, field in TrainingConfig.model_fields.items()
    ]
)

# %% [markdown]
# The **step schedule** multiplies the learning rate by `learning_rate_decay` after every
# `learning_rate_step` epochs: long steps first, to get near the minimum, then short ones, to settle into it.

# %% mystnb={"figure": {"caption": "The learning rate of every epoch under the step schedule, on a logarithmic axis.", "name": "fig-mnist-schedule"}, "image": {"alt": "Step plot of the learning rate against the epoch: a staircase that falls by the decay factor at every step of the schedule."}}
from tutorial_utils.plots.training import (
    compare_curves,
    draw_range_test,
    draw_schedule,
    learning_curves,
    strips,
)

epochs = range(1, config.num_epochs + 1)
rates = [config.learning_rate_at(epoch) for epoch in epochs]
ax = draw_schedule(epochs, rates)

# %%
scheduler_model = make_model(config)
scheduler_optimiser = torch.optim.SGD(
    scheduler_model.parameters(), lr=config.learning_rate
)
scheduler = torch.optim.lr_scheduler.StepLR(
    scheduler_optimiser, config.learning_rate_step, config.learning_rate_decay
)
theirs = []
for _ in epochs:
    theirs.append(scheduler.get_last_lr()[0])
    scheduler_optimiser.step()
    scheduler.step()
torch.testing.assert_close(rates, theirs)
say(
    "The rates in order: "
    + enumerate_words(f"{rate:g}" for rate in sorted(set(rates), reverse=True))
    + ". PyTorch's `StepLR` gives the same for every epoch."
)

# %% [markdown]
# (mnist-training-loop)=
# ## The training loop
#
# Six lines do the work: predict, measure the loss, clear the old gradients, compute new ones (`backward`), step, count.
# Losses and hits are weighted by the number of images, so that a smaller last batch does not count as much
# as a full one.


# %%
def train_one_epoch(model, batches, optimiser):
    model.train()
    total_loss, correct, seen = 0.0, 0, 0
    for images, labels in batches:
        logits = model(images)
        loss = F.cross_entropy(logits, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total_loss += loss.item() * len(labels)
        correct += (logits.argmax(dim=1) == labels).sum().item()
        seen += len(labels)
    return total_loss / seen, correct / seen


# %% [markdown]
# The package's `Trainer` does the same, and adds what a run needs around it: a progress bar, validation
# without updates after every epoch, the step schedule, early stopping, a checkpoint (a saved copy) of the best weights,
# their restoration at the end, and a guard: a run is stopped when the loss of a batch is no finite number, or reaches `divergence_bound`.
# The book never scores a run that its guard stopped, because the weights at hand are those from before the fault; your own run then ends
# in an error that names step and rate. It also sees to it that a small model computes with one thread: a second one would mostly wait for
# the first, and hold everything up when another program needs the processor. One epoch of each, from the same seed, gives the same losses.

# %%
from tutorial_utils.training.threads import choose_threads
from tutorial_utils.training.trainer import Trainer, load_or_fit, measure

one_epoch = config.but(num_epochs=1, device="cpu")
train, validation = training_batches(data.train, one_epoch)
model = make_model(one_epoch)
torch.set_num_threads(choose_threads(model))  # of a model this small: one
optimiser = torch.optim.SGD(
    model.parameters(),
    lr=one_epoch.learning_rate,
    momentum=one_epoch.momentum,
    weight_decay=one_epoch.weight_decay,
)
running_loss, running_accuracy = train_one_epoch(model, train, optimiser)
validation_loss, validation_accuracy = measure(model, validation)

# %%
train, validation = training_batches(data.train, one_epoch)
record = (
    Trainer(one_epoch, show_progress=False)
    .fit(make_model(one_epoch), train, validation)
    .require_trained()
    .best
)
torch.testing.assert_close(record.running_loss, running_loss)
torch.testing.assert_close(record.validation_loss, validation_loss)
say(
    f"One epoch, ours and the package's: running training loss {running_loss:.4f},"
    f" validation loss {validation_loss:.4f}, validation accuracy"
    f" {percent(validation_accuracy)}."
)

# %% [markdown]
# What does the comfort of `Trainer` cost? [The page on speed](../../book/speed) measures it, in turns with a bare loop.
#
# Now the full run. If the book's build has trained this very model before (same settings, data and code), it
# is loaded instead.


# %% tags=["hide-input"]
from tutorial_utils.report import page_data, results

train, validation = training_batches(data.train, config)
model, history = load_or_fit(config, data, results.output_folder(), measure_train=True)
best = history.best
say(
    f"Training ended because: {history.stop_detail} (`{history.stop_reason}`). The"
    f" lowest validation loss, {best.validation_loss:.4f}, came in epoch {best.epoch}"
    f" of {len(history)}, with a validation accuracy of"
    f" {percent(best.validation_accuracy)}."
)

# %% [markdown]
# A best checkpoint is worth nothing if it is saved and never loaded back. (The published tutorial saves one
# and goes on with the last weights.) Measured again, the model we hold must have the best epoch's loss:

# %%
restored_loss, restored_accuracy = measure(model, validation)
torch.testing.assert_close(restored_loss, best.validation_loss, rtol=1e-5, atol=0)

# %% [markdown]
# (mnist-curves)=
# ## Reading the curves
#
# In the next figure, look at three things: whether the curves still fall at the end (then train longer), whether they
# go flat and fall again at a change of rate (a plateau), and whether training and validation drift apart
# (overfitting). There are two training curves. The **running** one is measured during the epoch, each batch
# just before its own update, so its early batches met an older model. The other is measured after the epoch,
# as the validation curve is. Only the second may be compared with validation.

# %% mystnb={"figure": {"caption": "Loss and accuracy of every epoch. Grey: measured while training, before each update. Blue and red: measured after the epoch, on training and on validation images.", "name": "fig-mnist-curves"}, "image": {"alt": "Two panels of curves over epochs: cross-entropy on the left and accuracy on the right, each for the running training measurement, the training set after the epoch, and the validation set."}}
frame = history.to_frame()
axes = learning_curves(frame)

# %% tags=["hide-input"]
last = history.records[-1]
first_rate = frame[frame.learning_rate == config.learning_rate]
after_decay = frame[frame.learning_rate < config.learning_rate].validation_loss
drop = first_rate.validation_loss.iloc[-1] - (
    after_decay.iloc[0] if len(after_decay) else float("nan")
)
wobble = first_rate.validation_loss.diff().abs().iloc[1:].mean()
late = frame.train_loss.iloc[-5:]
gap = last.validation_loss - last.train_loss
early_gap = (frame.validation_loss - frame.train_loss).iloc[0]

# %% tags=["hide-input"]
say(
    f"**Convergence.** Over the last {len(late)} epochs the training loss changed by"
    f" {late.iloc[-1] - late.iloc[0]:+.4f}: "
    + (
        "there is little left to gain."
        if abs(late.iloc[-1] - late.iloc[0]) < 0.005
        else "it has not settled."
    )
)
if len(after_decay):
    say(
        f"**Plateaus.** At rate {config.learning_rate:g} the validation loss moved by"
        f" {wobble:.4f} from one epoch to the next. The first decay changed it by"
        f" {-drop:+.4f} at once"
        + (
            ": with long steps the weights circle around the minimum, with short ones"
            " they settle."
            if drop > 0
            else "."
        )
    )
say(
    "**Overfitting.** The gap between validation and training loss was"
    f" {early_gap:+.4f} after the first epoch and is {gap:+.4f} at the end,"
    f" {percent(abs(gap) / last.train_loss, 0)} of the training loss. "
    + (
        "The model does better on what it has seen, and increasingly so."
        if gap > max(early_gap, 0)
        else "It does not grow."
    )
)

# %% [markdown]
# (mnist-leak)=
# ## A mistake: validating on training images
#
# The published tutorial holds out 6,000 images for validation, but its training loader serves the full
# 60,000. Every validation image is also trained on. Here is that mistake, on purpose.

# %%
from tutorial_utils.reproducibility import make_generator

order = make_generator(config.seed, "order")
everything = Batches(
    data.train.images, data.train.labels, config.batch_size, order, train.transform
)
leaky_history = Trainer(config).fit(make_model(config), everything, validation)
leaky_history.require_trained("the run with the leak")
honest_loss, leaky_loss = (
    history.best.validation_loss,
    leaky_history.best.validation_loss,
)

# %% mystnb={"figure": {"caption": "Validation loss with an honest split and with the leak, in which the validation images are also trained on.", "name": "fig-mnist-leak"}, "image": {"alt": "Two curves of validation loss over epochs, one for the honest split and one for the run that also trains on the validation images."}}
ax = compare_curves(
    {
        "honest: validation images never trained on": (
            frame.index,
            frame.validation_loss,
        ),
        "leak: validation images also trained on": (
            leaky_history.column("epoch"),
            leaky_history.column("validation_loss"),
        ),
    },
    xlabel="epoch",
    ylabel="validation loss (nats)",
)

# %% tags=["hide-input"]
say(
    f"The same model, the same images to validate on: {honest_loss:.4f} honestly,"
    f" {leaky_loss:.4f} with the leak. The difference of"
    f" {honest_loss - leaky_loss:+.4f} says nothing about new images. The best epoch"
    f" moves from {best.epoch} to {leaky_history.best.epoch} of {len(leaky_history)}"
    + (
        ", because memorising the validation images looks like progress."
        if leaky_history.best.epoch > best.epoch
        else "."
    )
)

# %% [markdown]
# (mnist-ten-models)=
# ## Ten models in one pass
#
# One run shows one accuracy. Another seed, with another split, other initial weights and another order of batches,
# would have given another. So the run is repeated over seeds. That costs less than it sounds: a step of one model this
# small is many short operations, and a good part of its time goes into starting them. Stack the weights of ten models, and
# one wide matrix product gives all their logits. No `backward` is needed: the gradient of the loss by the
# logits is $p - y$, with $y$ one at the true class and zero elsewhere, as [the foundations](foundations-update-rule) derive.


# %%
def step_of_all(weight, bias, images, labels, rate):
    """One plain step of every model; weight (models, 10, 784), bias (models, 10)."""
    flat = images.flatten(1)
    wide = flat @ weight.flatten(0, 1).T  # (batch, models * 10)
    logits = wide.view(len(flat), *bias.shape) + bias
    error = logits.softmax(dim=2) - F.one_hot(labels, 10)[:, None]  # p - y
    error /= len(flat)
    weight -= rate * (error.flatten(1).T @ flat).view(weight.shape)
    bias -= rate * error.sum(dim=0)


# %%
trials = [make_model(config.but(seed=each)).cpu() for each in range(num_seeds)]
weight = torch.stack([each.linear.weight.detach() for each in trials])
bias = torch.stack([each.linear.bias.detach() for each in trials])
twin = trials[-1]  # trained apart, for comparison
optimiser = torch.optim.SGD(twin.parameters(), lr=0.01)
five = train_indices[: 5 * 64]
for images, labels in Batches(
    data.train.images[five], data.train.labels[five], 64, transform=train.transform
):
    step_of_all(weight, bias, images, labels, rate=0.01)
    optimiser.zero_grad()
    F.cross_entropy(twin(images), labels).backward()
    optimiser.step()
torch.testing.assert_close(weight[-1], twin.linear.weight)

# %% [markdown]
# After five steps the last of the stacked models equals its twin, trained by `backward`. The package's `replicas` does the same, with
# momentum, schedule, early stopping and best weights for each model, and, since each seed has its own split and order, with a batch of
# its own for each. One of its models has the settings of the headline model above. Its losses should be those of `Trainer`:

# %%
from tutorial_utils.training import replicas

seed_configs = [config.but(seed=each) for each in range(num_seeds)]
runs = replicas.load_or_train(seed_configs, data, results.output_folder())
apart = 0.0
for run in runs:
    if run.config == config:
        apart = max(
            abs(one / other - 1)
            for name in ("running_loss", "validation_loss")
            for one, other in zip(
                run.history.column(name), history.column(name), strict=False
            )
        )
# Long steps make rounding grow; these are the steps of this chapter or shorter ones.
if config.learning_rate / (1 - config.momentum) < 0.11:
    assert apart < 1e-4

# %% tags=["hide-input"]
if config in seed_configs:
    say(
        f"In no epoch do their losses differ by more than {apart:.0e}, relative to the loss. "
        + ("The rest is rounding, because sums are taken in another order."
           if apart < 1e-4 else
           "With steps this long, differences in the last digit grow from step to step, and two runs of the same settings part.")
    )  # fmt: skip

# %% [markdown]
# (mnist-validation-accuracy)=
# ### How sure is the validation accuracy?
#
# Two numbers answer two questions, and are kept apart:
#
# * The **sampling interval**: if these very weights were measured on other images of the same kind, where might the accuracy lie?
#   For a share, [Wilson's interval](mnist-accuracy-interval) {cite}`wilson1927` answers that. It assumes that images are independent.
# * The **spread over seeds**: if the training were repeated, how would the accuracy vary {cite}`bouthillier2021`? On validation images the spread also holds
#   some sampling, since each seed holds out other images.

# %% tags=["hide-input"]
from tutorial_utils.evaluation import statistics

kept_hits = round(best.validation_accuracy * len(validation_indices))
sampling = statistics.wilson_interval(kept_hits, len(validation_indices))
seed_accuracies = [run.history.best.validation_accuracy for run in runs]
seed_spread = statistics.spread(seed_accuracies)
table(
    [
        {"what": f"kept weights of seed {config.seed}",
         "validation accuracy": percent(best.validation_accuracy),
         "uncertainty": f"95 % sampling interval {interval(*sampling)}"},
        {"what": f"mean over seeds 0 to {num_seeds - 1}",
         "validation accuracy": percent(seed_spread.mean),
         "uncertainty": f"standard deviation {100 * seed_spread.deviation:.2f} points,"
                        f" from {percent(seed_spread.low)} to {percent(seed_spread.high)}"},
    ]
)  # fmt: skip

# %% tags=["hide-input"]
sampling_deviation = (
    best.validation_accuracy * (1 - best.validation_accuracy) / len(validation_indices)
) ** 0.5
say(
    f"Drawing other images alone would give a standard deviation of {100 * sampling_deviation:.2f} points. The seeds"
    f" vary by {100 * seed_spread.deviation:.2f}"
    + (", which other images alone would explain." if seed_spread.deviation < 1.5 * sampling_deviation
       else ", more than other images alone would explain, so the trainings themselves differ.")
    + " Both accuracies are a little too high, because the epoch to keep was chosen on the same images;"
    " the test set, opened in the next chapter, is free of that."
    + (f" Seed {config.seed} happens to be the highest; it was fixed beforehand."
       if best.validation_accuracy >= seed_spread.high else "")
)  # fmt: skip

# %% [markdown]
# (mnist-early-stopping)=
# ## When to stop: a short patience, over many seeds
#
# **Early stopping** ends training when the validation loss has not improved for `early_stopping_patience`
# epochs, and keeps the best weights {cite}`prechelt1998`. It saves time and guards against overfitting. But
# with a step schedule it can fire too early: at the first rate the loss wobbles, five epochs without a new
# best are nothing unusual, and training ends before the first decay would have helped.
#
# One seed cannot show this, so we look at all seeds of [the last section](mnist-ten-models), each trained to the end.

# %%
patient = [
    each.but(early_stopping_patience=max(config.num_epochs, 30))
    for each in seed_configs
]
if patient != seed_configs:  # as shipped they are the same, and trained already
    runs = replicas.load_or_train(patient, data, results.output_folder())
histories = [run.history for run in runs]

# %% [markdown]
# A shorter patience changes nothing until it fires, so what patience 5 would have done can be read off the
# same runs: walk through the epochs, and stop at the first whose best lies five epochs back.


# %%
def replay(records, patience):
    """Return the records that training with this patience would have made."""
    best = 0
    for position, record in enumerate(records):
        if record.validation_loss < records[best].validation_loss:
            best = position
        if position - best >= patience:
            return records[: position + 1]
    return records


def kept(records):
    return min(records, key=lambda record: record.validation_loss)


patience_of_source = TrainingConfig().early_stopping_patience
short = [replay(each.records, patience_of_source) for each in histories]
long = [each.records for each in histories]

# %% [markdown]
# Is the replay right? Replay the headline run, train once with patience 5 for real, and compare.

# %%
early = [each for each, records in enumerate(short) if len(records) < len(long[each])]
if config.early_stopping_patience >= patience_of_source:
    check = config.but(early_stopping_patience=patience_of_source)
    really = load_or_fit(check, data, results.output_folder())[1]
    replayed = replay(history.records, patience_of_source)
    assert len(really) == len(replayed)
    torch.testing.assert_close(
        really.best.validation_loss, kept(replayed).validation_loss
    )

# %%
stopping = table(
    [
        {
            "seed": each,
            "epochs, patience 5": len(short[each]),
            "kept epoch, patience 5": kept(short[each]).epoch,
            "loss, patience 5": kept(short[each]).validation_loss,
            "loss, to the end": kept(long[each]).validation_loss,
            "accuracy, patience 5": kept(short[each]).validation_accuracy,
            "accuracy, to the end": kept(long[each]).validation_accuracy,
        }
        for each in range(num_seeds)
    ],
    formats={"loss, patience 5": ".4f", "loss, to the end": ".4f",
             "accuracy, patience 5": ".4f", "accuracy, to the end": ".4f"},
)  # fmt: skip
stopping

# %% mystnb={"figure": {"caption": "Validation loss of the kept weights, one mark per seed, in the same order from top to bottom in both rows; the bar is the mean.", "name": "fig-mnist-patience"}, "image": {"alt": "Two rows of marks, one mark per seed: the validation loss kept with patience 5, and the validation loss kept when training runs to its end."}}
losses_short = [kept(records).validation_loss for records in short]
losses_long = [kept(records).validation_loss for records in long]
ax = strips(
    {f"patience {patience_of_source}": losses_short, "to the end": losses_long},
    xlabel="validation loss of the kept weights (nats)",
    shares=False,
)

# %% tags=["hide-input"]
before_decay = [each for each in early if len(short[each]) <= config.learning_rate_step]
cost = [a - b for a, b in zip(losses_short, losses_long, strict=True)]
accuracy_cost = [
    kept(long[each]).validation_accuracy - kept(short[each]).validation_accuracy
    for each in range(num_seeds)
]
low, high = statistics.mean_interval(cost)

# %% tags=["hide-input"]
say(
    f"Patience {patience_of_source} stopped {len(early)} of {num_seeds} runs early,"
    f" {len(before_decay)} of them before the first decay at epoch"
    f" {config.learning_rate_step + 1}. On average the kept loss is"
    f" {sum(cost) / num_seeds:.4f} higher (95 % t interval over seeds [{low:.4f},"
    f" {high:.4f}]), and validation accuracy up to {100 * max(accuracy_cost):.2f}"
    " percentage points lower.",
    (
        "By construction the difference is never negative, because the longer run can"
        " only find a lower minimum; the question is its size (a t interval describes"
        " the mean over such seeds). This is a fault of the pair, not of early"
        " stopping: a patience should outlast the wait for the next decay. The book's"
        " headline model therefore runs with patience 30; the default of the"
        " configuration stays at 5, as published."
        if early
        else "With these settings the shorter patience changed nothing."
    ),
)

# %% [markdown]
# (mnist-range-test)=
# ## How long a step? The range test
#
# A **range test** {cite}`smith2017` raises the learning rate a little at every batch, from far too small to far
# too large, and watches the loss. Flat means too small to learn; falling is the useful range; rising means too
# large. Each batch is used once at one rate, so the whole test costs a hundred updates.
#
# Single batches scatter, so the curve shows the mean of each loss and its three neighbours on either side. A mean of
# the past alone would lag behind: the curve would turn up several batches after the loss did. The test below runs on a fresh model,
# once with plain steps and once with training's momentum, under which each step is in effect up to
# $1/(1-\mu)$ times as long.

# %%
from tutorial_utils.training.range_test import range_test

fresh = make_model(config)
plain_test = range_test(fresh, train, start=1e-7, end=10, num_points=100)
momentum_test = range_test(
    fresh, train, start=1e-7, end=10, num_points=100, momentum=config.momentum
)

# %% mystnb={"figure": {"caption": "Loss against a learning rate that rises at every batch, without momentum (left) and with it (right). Both axes are logarithmic.", "name": "fig-mnist-range-test"}, "image": {"alt": "Two panels with the loss of each batch and its smoothed curve against the learning rate. Vertical lines mark the rate of steepest fall, the rate of lowest loss, and the rate used in this chapter."}}
import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(ncols=2, figsize=(10, 3.8), sharey=True)
for ax, test, title in (
    (left, plain_test, "Without momentum"),
    (right, momentum_test, "With momentum"),
):
    marks = {
        "steepest": test.steepest,
        "lowest": test.lowest,
        "used": config.learning_rate,
    }
    draw_range_test(test.learning_rates, test.losses, test.smoothed, marks, ax)
    ax.set_title(title)


# %%
def falling_range(test):
    """From the last rate at which less than a tenth of the fall is done to the lowest."""
    top, bottom = test.smoothed[:10].mean(), test.smoothed.min()
    before = test.learning_rates < test.lowest
    waiting = before & (test.smoothed >= top - 0.1 * (top - bottom))
    last = max(waiting.nonzero()[0], default=0)
    return test.learning_rates[last], test.lowest


# %% tags=["hide-input"]
(plain_low, plain_high), (with_low, with_high) = map(
    falling_range, (plain_test, momentum_test)
)
say(
    f"Without momentum the loss begins to fall near {plain_low:.1g} and is lowest near"
    f" {plain_high:.1g}; with momentum {config.momentum:g}, near {with_low:.1g} and"
    f" {with_high:.1g}. Beyond that it rises sharply. The published reading is that"
    " 0.01 to 0.1 is good, and 0.01 was chosen. The rate used here,"
    f" {config.learning_rate:g}, "
    + (
        "lies inside"
        if with_low <= config.learning_rate <= with_high
        else "lies outside"
    )
    + " the falling range of the test with momentum, the one that training runs with.",
    "The range test is a rough guide: it sees each rate for one batch. "
    "The comparison below trains with several rates for whole epochs.",
)

# %% [markdown]
# The package's test leaves everything as it was: weights, the order of batches, the random generators. The
# published one runs on the *trained* model, just before that model is evaluated. This is what that does:

# %%
before = {name: tensor.clone() for name, tensor in fresh.state_dict().items()}
state = train.generator.get_state()
range_test(fresh, train)
assert all(
    torch.equal(before[name], tensor) for name, tensor in fresh.state_dict().items()
)
assert torch.equal(state, train.generator.get_state())

# %%
spoiled = make_model(config).cpu()
spoiled.load_state_dict(model.state_dict())
optimiser = torch.optim.SGD(spoiled.parameters(), lr=1e-7, momentum=config.momentum)
for step, (images, labels) in enumerate(train):
    if step == 100:
        break
    optimiser.param_groups[0]["lr"] = 1e-7 * (10 / 1e-7) ** (step / 99)
    optimiser.zero_grad()
    F.cross_entropy(spoiled(images), labels).backward()
    optimiser.step()
_, spoiled_accuracy = measure(spoiled, validation)
say(
    f"Validation accuracy before such a test: {percent(restored_accuracy)}. After it:"
    f" {percent(spoiled_accuracy)}."
)

# %% [markdown]
# (mnist-batch-size)=
# ## How many images per step?
#
# The published tutorial compares three batch sizes in words:
#
# | batch size | memory | speed | generalisation |
# |---|---|---|---|
# | 32 | low | slower | better |
# | 64 | medium | balanced | good compromise |
# | 128 | high | faster | perhaps worse |
#
# We measure five, over three seeds each, at a constant rate and without early stopping. There are two fair ways to compare.
# At **equal epochs** every run sees the same images, and larger batches make fewer steps. At **equal steps**
# every run makes the same number of updates, and larger batches see more images.

# %%
SIZES = (32, 64, 128, 256, 512)
SIZE_SEEDS = (0, 1, 2)
constant = config.but(
    num_epochs=short_epochs,
    learning_rate_decay=1.0,
    early_stopping_patience=short_epochs,
)
equal_epochs = {}
for size in SIZES:
    sized = [constant.but(batch_size=size, seed=each) for each in SIZE_SEEDS]
    for run in replicas.require_trained(replicas.train_all(sized, data.train)):
        equal_epochs[size, run.config.seed] = run.history


# %% [markdown]
# For equal steps, "an epoch" is a stretch of 300 batches, however many passes over the images that takes; validation is measured after each.


# %%
import itertools


class Stretches:
    """Batches drawn on and on, so many at a time."""

    def __init__(self, batches, length):
        self.batches, self.length = batches, length
        self.endless = self.draw()

    def draw(self):
        while True:
            yield from self.batches

    def __len__(self):
        return self.length

    def __iter__(self):
        return itertools.islice(self.endless, self.length)


# %%
NUM_STEPS, EVERY = 500 * short_epochs, 50 * short_epochs
in_stretches = constant.but(
    num_epochs=NUM_STEPS // EVERY, early_stopping_patience=NUM_STEPS // EVERY
)
equal_steps = {}
for size in SIZES:
    sized = [in_stretches.but(batch_size=size, seed=each) for each in SIZE_SEEDS]
    shuffled, held = replicas.batches_of_each(data.train, sized)
    stretched = replicas.train(sized, Stretches(shuffled, EVERY), held)
    for run in replicas.require_trained(stretched):
        equal_steps[size, run.config.seed] = run.history.column("validation_loss")


# %%
def mean_curve(series):
    return torch.tensor(series).mean(dim=0).tolist()


by_epoch = {
    f"batch {size}": (
        range(1, short_epochs + 1),
        mean_curve(
            [equal_epochs[size, each].column("validation_loss") for each in SIZE_SEEDS]
        ),
    )
    for size in SIZES
}
by_step = {
    f"batch {size}": (
        range(EVERY, NUM_STEPS + 1, EVERY),
        mean_curve([equal_steps[size, each] for each in SIZE_SEEDS]),
    )
    for size in SIZES
}

# %% mystnb={"figure": {"caption": "Validation loss by batch size at equal epochs (left) and at equal steps (right), mean over three seeds.", "name": "fig-mnist-batch-size"}, "image": {"alt": "Two panels with one curve of validation loss per batch size from 32 to 512: on the left against epochs, on the right against the number of updates."}}
figure, (left, right) = plt.subplots(ncols=2, figsize=(10, 3.8), sharey=True)
compare_curves(
    by_epoch,
    xlabel="epoch",
    ylabel="validation loss (nats)",
    title="Equal epochs",
    ax=left,
)
ax = compare_curves(by_step, xlabel="updates", ylabel="", title="Equal steps", ax=right)

# %% [markdown]
# Memory is counted as the tensors that one step needs: the batch, its labels, the logits and their gradient.
# The weights and the data set cost the same for every batch size. How long an epoch takes with each size is timed in
# [the chapter about time](claim-43), where nothing else runs beside it.


# %%
def bytes_per_step(size):
    pixels, classes = config.description.num_features, config.description.num_classes
    return size * (4 * pixels + 8 + 2 * 4 * classes)


# %%
batch_rows = []
for size in SIZES:
    runs = [equal_epochs[size, each] for each in SIZE_SEEDS]
    final = statistics.spread([run.records[-1].validation_loss for run in runs])
    stepped = statistics.spread([equal_steps[size, each][-1] for each in SIZE_SEEDS])
    accuracy = statistics.spread([run.records[-1].validation_accuracy for run in runs])
    batch_rows.append(
        {
            "batch size": size,
            "KB per step": bytes_per_step(size) / 1024,
            "loss, equal epochs": final.mean,
            "+- over seeds": final.deviation,
            "accuracy, equal epochs": accuracy.mean,
            "loss, equal steps": stepped.mean,
        }
    )
# %%
formats = dict.fromkeys(batch_rows[0], ".4f")
formats |= {"batch size": "", "KB per step": ",.0f"}
table(batch_rows, formats)


# %% tags=["hide-input"]
def paired(small, large):
    """Final loss of the smaller batch minus that of the larger one, seed by seed."""
    return [
        equal_epochs[small, each].records[-1].validation_loss
        - equal_epochs[large, each].records[-1].validation_loss
        for each in SIZE_SEEDS
    ]


by_loss = sorted(batch_rows, key=lambda row: row["loss, equal epochs"])
by_stepped = sorted(batch_rows, key=lambda row: row["loss, equal steps"])
against_128 = paired(32, 128)

# %% tags=["hide-input"]
say(
    "Memory grows with the batch, but stays small:"
    f" {bytes_per_step(SIZES[-1]) / 2**20:.1f} MB for {SIZES[-1]} images.",
    "At equal epochs the lowest validation loss is at batch size"
    f" {by_loss[0]['batch size']}, the highest at {by_loss[-1]['batch size']}; at equal"
    f" steps the lowest is at {by_stepped[0]['batch size']}, the highest at"
    f" {by_stepped[-1]['batch size']}. Split by split, batches of 32 end"
    f" {enumerate_words(f'{value:+.3f}' for value in against_128)} above batches of"
    ' 128. The published "better generalisation" of small batches is '
    + (
        "not borne out at this rate."
        if min(against_128) > 0
        else "not clearly decided here."
    ),
    "The loss of this model is convex: all its minima are equally low, so a batch size"
    " cannot lead to a worse one. It changes how fast and how noisily the minimum is"
    " approached at a given rate.",
)

# %% [markdown]
# Here the rate is constant, so the noise of small batches is never damped. Do not carry the order of the sizes over to other schedules: [claim 11](claim-11) asks again with a rate that decays, and with the better of two rates per size, which need not be the best rate either.
#
# (For deep networks, whose loss has many minima, the matter is disputed {cite}`keskar2017,goyal2017`.)

# %% [markdown]
# (mnist-what-goes-wrong)=
# ## What goes wrong in training, and what cures it
#
# Nine short experiments: failures, provoked, and what helps. To be quick they use 6,000 training images, and one small
# function that trains any model with any optimiser and returns its validation losses.

# %%
rest, pool = datasets.split(data.train, 0.2, config.seed)
small, held_out = (pool.subset(half) for half in torch.arange(len(pool)).chunk(2))
small_images, small_labels = datasets.standardise(small), small.labels
held_out_batches = [(datasets.standardise(held_out), held_out.labels)]
del rest


def shuffled(images=small_images, labels=small_labels, size=64):
    return Batches(images, labels, size, generator=make_generator(config.seed, "order"))


def new_model():
    features, classes = config.description.num_features, config.description.num_classes
    return LogisticRegression(
        features, classes, generator=make_generator(config.seed, "initialisation")
    )


# %%
def train_briefly(
    model,
    optimiser,
    batches,
    epochs=5,
    validation=held_out_batches,
    after_backward=None,
):
    losses = [measure(model, validation)[0]]
    for _ in range(epochs):
        model.train()
        for images, labels in batches:
            optimiser.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            if after_backward:
                after_backward(model)
            optimiser.step()
        losses.append(measure(model, validation)[0])
    return losses


# %% [markdown]
# ### 1. A bad learning rate
#
# Too small, and five epochs achieve little. Too large, and every step overshoots.

# %% mystnb={"figure": {"caption": "Validation loss over five epochs at five learning rates, logarithmic axis; epoch 0 is the untrained model.", "name": "fig-mnist-rates"}, "image": {"alt": "Five curves of validation loss over five epochs on a logarithmic axis, one per learning rate from 0.00001 to 10."}}
rate_losses = {}
for rate in (1e-5, 1e-3, 1e-2, 1e-1, 10.0):
    trial = new_model()
    rate_losses[rate] = train_briefly(
        trial, torch.optim.SGD(trial.parameters(), lr=rate), shuffled()
    )
ax = compare_curves(
    {f"rate {rate:g}": (range(6), losses) for rate, losses in rate_losses.items()},
    xlabel="epoch",
    ylabel="validation loss (nats)",
    yscale="log",
)

# %% tags=["hide-input"]
best_rate = min(rate_losses, key=lambda rate: rate_losses[rate][-1])
say(
    f"After five epochs rate 1e-05 still stands at {rate_losses[1e-5][-1]:.2f}; rate 10"
    f" is at {rate_losses[10.0][-1]:.1f}, far above guessing (2.30). Of these five,"
    f" {best_rate:g} does best, at {rate_losses[best_rate][-1]:.3f}."
)

# %% [markdown]
# ### 2. Inputs that are not standardised, and exploding steps
#
# Raw pixels run from 0 to 255. The gradient of a weight is proportional to its input, so gradients grow and
# the same rate becomes far too large. Two cures: standardise the inputs, or clip the
# norm of the gradient {cite}`pascanu2013`.

# %%
from torch import nn

raw_images = small.images.float()
raw_held_out = [(held_out.images.float(), held_out.labels)]


def clip(model):
    nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)


# %%
outcomes = {}
for name, images, held, hook in (
    ("raw pixels", raw_images, raw_held_out, None),
    ("raw pixels, clipped", raw_images, raw_held_out, clip),
    ("standardised", small_images, held_out_batches, None),
):
    trial = new_model()
    optimiser = torch.optim.SGD(trial.parameters(), lr=0.01, momentum=0.9)
    losses = train_briefly(
        trial, optimiser, shuffled(images), validation=held, after_backward=hook
    )
    accuracy = measure(trial, held)[1]
    outcomes[name] = {"inputs": name, "loss": losses[-1], "accuracy": accuracy}
table(list(outcomes.values()), {"loss": ",.2f", "accuracy": ".3f"})

# %% tags=["hide-input"]
raw, clipped, standard = (row["loss"] for row in outcomes.values())
input_ratio = (raw_images.square().mean() / small_images.square().mean()).sqrt()
say(
    f"Raw inputs are {input_ratio:.0f} times as large as standardised ones (root mean"
    f" square). At the same rate, five epochs end at a validation loss of {raw:,.0f} on"
    f" raw pixels. Clipping contains the explosion ({clipped:.1f}) but leaves its"
    f" cause; standardising removes it ({standard:.2f})."
)

# %% [markdown]
# ### 3. Gradients have a bound here
#
# For one image $x$ the gradient of the weights is $(p - e_y)\,x^\top$, where $e_y$ is one at the true class and zero elsewhere. The error $p - e_y$ is never longer than
# $\sqrt 2$. So the gradient is never longer than $\sqrt 2\,\lVert x \rVert$: in this model, gradients explode
# only if inputs do. Checked on 500 images, for an untrained model and for one that is confidently wrong.


# %%
def gradient_norms(model, images, labels):
    error = model(images).softmax(dim=1) - F.one_hot(labels, 10)
    return error.norm(dim=1) * images.flatten(1).norm(dim=1)


# %%
wrong_labels = (small_labels[:500] + 1) % 10
sure = new_model()
with torch.no_grad():
    sure.linear.weight.mul_(200)
bound = 2**0.5 * small_images[:500].flatten(1).norm(dim=1)
shares = [
    (gradient_norms(trial, small_images[:500], wrong_labels) / bound).max().item()
    for trial in (new_model(), sure)
]
# %%
single = new_model()
F.cross_entropy(single(small_images[:1]), wrong_labels[:1]).backward()
torch.testing.assert_close(
    single.linear.weight.grad.norm(),
    gradient_norms(single, small_images[:1], wrong_labels[:1])[0],
    rtol=1e-5,
    atol=0,
)
assert max(shares) <= 1 + 1e-5
say(
    f"The largest gradient reaches {percent(shares[0], 1)} of the bound untrained and"
    f" {percent(shares[1], 1)} when confidently wrong; none exceeds it. The formula"
    " agrees with autograd."
)

# %% [markdown]
# ### 4. Gradients that vanish with depth
#
# Gradients vanish when they pass through many layers that each shrink them. Softmax regression has one layer,
# so here is another model: **a deep network of ten sigmoid layers**, built only to show the effect, and cured
# with rectified linear units (ReLU, which pass positive values on and stop negative ones) and He initialisation {cite}`he2015`. (Xavier initialisation
# {cite}`glorot2010` was made for networks like this; with one layer there is little for it to do.)


# %%
def deep_network(activation, initialise, depth=10, width=64):
    torch.manual_seed(config.seed)
    layers = [nn.Flatten()]
    for inputs in [784] + [width] * (depth - 1):
        layers += [nn.Linear(inputs, width), activation()]
    network = nn.Sequential(*layers, nn.Linear(width, 10))
    if initialise:
        for layer in network:
            if isinstance(layer, nn.Linear):
                initialise(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
    return network


# %%
def layer_gradients(network):
    F.cross_entropy(network(small_images[:512]), small_labels[:512]).backward()
    return [
        layer.weight.grad.norm().item()
        for layer in network
        if isinstance(layer, nn.Linear)
    ]


sigmoid_norms = layer_gradients(deep_network(nn.Sigmoid, None))
relu_norms = layer_gradients(deep_network(nn.ReLU, nn.init.kaiming_normal_))

# %% mystnb={"figure": {"caption": "Norm of the weight gradient in every layer of an untrained ten-layer network, input side on the left: sigmoid layers against rectified linear units with He initialisation.", "name": "fig-mnist-vanishing"}, "image": {"alt": "Two curves of gradient norm against layer number on a logarithmic axis, one for the sigmoid network and one for the network with rectified linear units."}}
layers = range(1, len(sigmoid_norms) + 1)
ax = compare_curves(
    {
        "sigmoid, default initialisation": (layers, sigmoid_norms),
        "ReLU, He initialisation": (layers, relu_norms),
    },
    xlabel="layer",
    ylabel="norm of the weight gradient",
    yscale="log",
)

# %% tags=["hide-input"]
say(
    "In the sigmoid network the first layer's gradient is"
    f" {sigmoid_norms[-1] / sigmoid_norms[0]:.1e} times smaller than the last's; with"
    f" ReLU and He initialisation the ratio is {relu_norms[-1] / relu_norms[0]:.1f}."
)

# %% [markdown]
# ### 5. Training in the order of the labels
#
# Without shuffling, and with the images sorted by digit, the model sees nothing but zeros, then nothing but
# ones, and at the end of the epoch nothing but nines.

# %%
by_label = small_labels.argsort()
ordered = Batches(small_images[by_label], small_labels[by_label], 64)
unshuffled, mixed = new_model(), new_model()
train_briefly(
    unshuffled,
    torch.optim.SGD(unshuffled.parameters(), lr=0.01, momentum=0.9),
    ordered,
    epochs=2,
)
train_briefly(
    mixed,
    torch.optim.SGD(mixed.parameters(), lr=0.01, momentum=0.9),
    shuffled(),
    epochs=2,
)
# %% tags=["hide-input"]
from tutorial_utils.evaluation.predictions import predict

unshuffled_accuracy = measure(unshuffled, held_out_batches)[1]
mixed_accuracy = measure(mixed, held_out_batches)[1]
says_nine = (
    (predict(unshuffled, held_out_batches[0][0]).labels == 9).float().mean().item()
)
say(
    f"After two epochs: {percent(unshuffled_accuracy, 1)} validation accuracy in the"
    f" order of the labels (it answers 9 to {percent(says_nine, 1)} of the images),"
    f" {percent(mixed_accuracy, 1)} shuffled."
)

# %% [markdown]
# ### 6. A forgotten flatten
#
# A linear layer works on the last axis of its input. Given images of 28 x 28 it sees 28 features, not 784.

# %%
batch = small_images[:64]
try:
    nn.Linear(784, 10)(batch)
except RuntimeError as error:
    first_message = str(error)
unflattened = nn.Linear(28, 10)(batch)
try:
    F.cross_entropy(unflattened, small_labels[:64])
except (RuntimeError, ValueError) as error:
    second_message = str(error)
say(
    f"`Linear(784, 10)` on a batch of shape {tuple(batch.shape)}: *{first_message}*",
    f"`Linear(28, 10)` accepts it, gives shape {tuple(unflattened.shape)}, and only the"
    f" loss complains: *{second_message}*",
    f"Flattened first: {tuple(nn.Linear(784, 10)(batch.flatten(1)).shape)}, as it"
    " should be.",
)

# %% [markdown]
# ### 7. Overfitting
#
# With 200 images and 7,850 weights, the model can learn its images by heart. Four cures are tried: a penalty
# on the weights, dropping a random half of the pixels in each step {cite}`srivastava2014`, stopping at the
# best epoch, and more data.

# %%
few = torch.arange(200)
few_batches = [(small_images[few], small_labels[few])]


# %%
def overfit(weight_decay=0.0, dropout=0.0, batches=None, epochs=150):
    torch.manual_seed(config.seed)
    trial = nn.Sequential(nn.Dropout(dropout), new_model())
    optimiser = torch.optim.SGD(
        trial.parameters(), lr=0.01, momentum=0.9, weight_decay=weight_decay
    )
    losses = train_briefly(
        trial,
        optimiser,
        batches or shuffled(small_images[few], small_labels[few]),
        epochs,
    )
    return {
        "losses": losses,
        "training accuracy": measure(trial, few_batches)[1],
        "validation accuracy": measure(trial, held_out_batches)[1],
    }


# %%
overfitted = {
    "no cure": overfit(),
    "weight decay 0.1": overfit(weight_decay=0.1),
    "dropout 0.5": overfit(dropout=0.5),
    "30 times the data": overfit(batches=shuffled(), epochs=15),
}

# %% mystnb={"figure": {"caption": "Validation loss of a model trained on 200 images, without a cure and with weight decay or dropout; epoch 0 is the untrained model.", "name": "fig-mnist-overfitting"}, "image": {"alt": "Three curves of validation loss over 150 epochs for a model trained on 200 images: without a cure, with weight decay, with dropout."}}
ax = compare_curves(
    {name: (range(151), overfitted[name]["losses"]) for name in list(overfitted)[:3]},
    xlabel="epoch",
    ylabel="validation loss (nats)",
    ylim=(0.4, 1.2),
)

# %%
table(
    [
        {
            "run": name,
            "training accuracy": run["training accuracy"],
            "validation accuracy": run["validation accuracy"],
            "last validation loss": run["losses"][-1],
            "lowest validation loss": min(run["losses"]),
            "in epoch": run["losses"].index(min(run["losses"])),
        }
        for name, run in overfitted.items()
    ],
    {"training accuracy": ".3f", "validation accuracy": ".3f",
     "last validation loss": ".3f", "lowest validation loss": ".3f"},
)  # fmt: skip

# %% tags=["hide-input"]
bad = overfitted["no cure"]
helped = {
    name: bad["losses"][-1] - run["losses"][-1]
    for name, run in overfitted.items()
    if name != "no cure"
}
helped["early stopping"] = bad["losses"][-1] - min(bad["losses"])
ranking = sorted(helped, key=helped.get, reverse=True)
gained = [f"{name} ({helped[name]:+.3f})" for name in ranking if helped[name] > 0]
harmed = [f"{name} ({helped[name]:+.3f})" for name in ranking if helped[name] <= 0]
say(
    f"Without a cure the model is right on {percent(bad['training accuracy'], 1)} of"
    f" its 200 images and on {percent(bad['validation accuracy'], 1)} of the others."
    " Measured by the fall in the last validation loss, what helped:"
    f" {enumerate_words(gained) or 'nothing'}. What did not:"
    f" {enumerate_words(harmed) or 'nothing'}."
)

# %% [markdown]
# ### 8. An unstable loss
#
# A loss that jumps from batch to batch usually means a step that is too long for the noise in the gradient.
# Logging the **norm of the gradient** helps to tell the two apart: here it is beside the loss, at rates 0.01 and 0.5.


# %%
def logged_run(rate, steps=90):
    trial, losses, norms = new_model(), [], []
    optimiser = torch.optim.SGD(trial.parameters(), lr=rate)
    for _, (images, labels) in zip(range(steps), shuffled(), strict=False):
        optimiser.zero_grad()
        loss = F.cross_entropy(trial(images), labels)
        loss.backward()
        losses.append(loss.item())
        norms.append(
            nn.utils.get_total_norm(
                [weight.grad for weight in trial.parameters()]
            ).item()
        )
        optimiser.step()
    return losses, norms


calm, wild = logged_run(0.01), logged_run(0.5)

# %% mystnb={"figure": {"caption": "Loss (left) and norm of the gradient (right) of every batch, at a moderate and at a long step.", "name": "fig-mnist-unstable"}, "image": {"alt": "Two panels over 90 updates: the batch loss on the left and the gradient norm on the right, each for learning rate 0.01 and learning rate 0.5."}}
figure, (left, right) = plt.subplots(ncols=2, figsize=(10, 3.4))
steps = range(1, len(calm[0]) + 1)
for ax, position, ylabel in (
    (left, 0, "batch loss (nats)"),
    (right, 1, "norm of the gradient"),
):
    runs = {"rate 0.01": (steps, calm[position]), "rate 0.5": (steps, wild[position])}
    compare_curves(runs, xlabel="update", ylabel=ylabel, ax=ax)

# %% tags=["hide-input"]
jumpiness = [
    torch.tensor(losses).diff().abs()[30:].mean().item() for losses, _ in (calm, wild)
]
steadiness = [torch.tensor(norms)[30:].mean().item() for _, norms in (calm, wild)]
say(
    f"From the thirtieth update on, the loss jumps by {jumpiness[0]:.2f} from batch to"
    f" batch at rate 0.01 and by {jumpiness[1]:.2f} at rate 0.5. The gradient norm"
    f" averages {steadiness[0]:.1f} and {steadiness[1]:.1f}; the step, rate times"
    f" gradient, {0.01 * steadiness[0]:.2f} and {0.5 * steadiness[1]:.2f}. "
    + (
        "It is the step that differs, not the gradient: a smaller rate calms the loss."
        if steadiness[1] < 5 * steadiness[0]
        else "Step and gradient both grow."
    )
)

# %% [markdown]
# ### 9. Would another optimiser help?
#
# Adam {cite}`kingma2015` and RMSProp give each weight a step length of its own. Here each runs once, at a common
# rate of its own.

# %% mystnb={"figure": {"caption": "Validation loss over five epochs with three optimisers, each at a usual rate for it; epoch 0, the untrained model, is left out.", "name": "fig-mnist-optimisers"}, "image": {"alt": "Three curves of validation loss over five epochs: SGD with momentum, Adam, and RMSProp."}}
OPTIMISERS = {
    "SGD, momentum 0.9, rate 0.01": lambda weights: torch.optim.SGD(
        weights, lr=0.01, momentum=0.9
    ),
    "Adam, rate 0.001": lambda weights: torch.optim.Adam(weights, lr=0.001),
    "RMSProp, rate 0.001": lambda weights: torch.optim.RMSprop(weights, lr=0.001),
}
optimiser_losses = {}
for name, make in OPTIMISERS.items():
    trial = new_model()
    optimiser_losses[name] = train_briefly(trial, make(trial.parameters()), shuffled())
ax = compare_curves(
    {name: (range(1, 6), losses[1:]) for name, losses in optimiser_losses.items()},
    xlabel="epoch",
    ylabel="validation loss (nats)",
)

# %% tags=["hide-input"]
lowest = min(optimiser_losses, key=lambda name: optimiser_losses[name][-1])
say(
    "Validation loss after five epochs: "
    + enumerate_words(
        f"{losses[-1]:.3f} with {name}" for name, losses in optimiser_losses.items()
    )
    + f". Lowest here: {lowest}. One seed and 6,000 images: small differences are not"
    " worth a story."
)

# %% [markdown]
# (mnist-training-results)=
# ## What this chapter measured
#
# The results go into a file that other pages read. Nothing is written when you run the chapter by hand,
# unless the environment variable `TUTORIAL_OUTPUT` names a folder.

# %% tags=["hide-input"]
metrics = {
    "best_validation_loss": best.validation_loss,
    "best_validation_accuracy": max(history.column("validation_accuracy")),
    "best_epoch": best.epoch,
    "kept_validation_accuracy": best.validation_accuracy,
    "kept_validation_accuracy_low": sampling.low,
    "kept_validation_accuracy_high": sampling.high,
    "n_validation": len(validation_indices),
    "validation_accuracy_over_seeds": seed_accuracies,
    "validation_accuracy_seed_mean": seed_spread.mean,
    "validation_accuracy_seed_deviation": seed_spread.deviation,
    "epochs_run": len(history),
    "stop_reason": history.stop_reason,
    "validation_losses": history.column("validation_loss"),
    "train_losses": history.column("train_loss"),
    "leaky_validation_loss": leaky_loss,
    "patience_5_epochs": [len(records) for records in short],
    "patience_5_validation_accuracy": [
        kept(records).validation_accuracy for records in short
    ],
    "patience_30_validation_accuracy": [
        kept(records).validation_accuracy for records in long
    ],
    "range_test_falling": [with_low, with_high],
    "range_test_on_trained_model": {
        "before": restored_accuracy,
        "after": spoiled_accuracy,
    },
    "batch_size_loss": {
        row["batch size"]: row["loss, equal epochs"] for row in batch_rows
    },
    "learning_rate_loss": {rate: losses[-1] for rate, losses in rate_losses.items()},
    "overfitting_cures": helped,
    "first_decay_change": -drop,
    "patience_5_stopped_early": len(early),
    "patience_5_cost": statistics.spread(cost).mean,
    "inputs": {name: row["loss"] for name, row in outcomes.items()},
    "shuffling": {"ordered": unshuffled_accuracy, "shuffled": mixed_accuracy},
}

# %%
path = results.write(
    "mnist/03_training",
    parameters={**config.model_dump(), "num_seeds": num_seeds},
    metrics=metrics,
    timings={
        "epoch_seconds": statistics.spread(history.column("seconds")).mean,
    },
    data_hash=data.fingerprint,
)

# %% [markdown]
# Two pages compute in your browser: [one reads the digits that you draw](live-model), with the model trained here, and
# [one lets you train](learn-by-training), on a few of these images. Both get what they need as scripts.

# %%
path = page_data.write(
    "mnist_model",
    {
        "weight": model.linear.weight,
        "bias": model.linear.bias,
        "mean": data.description.mean[0],
        "deviation": data.description.std[0],
    },
)
for_training, held_out = train_indices[:800], validation_indices[:400]
path = page_data.write(
    "mnist_sample",
    {
        "images": data.train.images[for_training],
        "labels": data.train.labels[for_training].byte(),
        "validation_images": data.train.images[held_out],
        "validation_labels": data.train.labels[held_out].byte(),
    },
)

# %% [markdown]
# ## What you have learnt
#
# You can now
#
# * write the training loop, and say what each line is for;
# * split off validation data honestly, and recognise a leak by its too good loss;
# * read loss curves, and keep the running loss apart from the loss after an epoch;
# * give an accuracy with its sampling interval and its spread over seeds, told apart;
# * find a range of learning rates without disturbing the model;
# * choose a batch size knowing what it costs;
# * recognise the usual failures, and know what helps.
#
# ## Exercises
#
# ### Exercise 1: a patience that fits the schedule
#
# Which patience is the smallest that stops none of the runs over seeds before the first decay of the rate? Use `replay` and the histories above. A check is in the solution.

# %% tags=["hide-cell"]
# Solution: try every patience, and look at when the shortest run ends.
smallest = next(
    patience
    for patience in range(1, config.num_epochs + 1)
    if all(
        len(replay(each.records, patience)) == len(each) or
        len(replay(each.records, patience)) > config.learning_rate_step
        for each in histories
    )
)  # fmt: skip
say(
    f"Patience {smallest} is the smallest that lets every run reach epoch"
    f" {min(config.learning_rate_step + 1, config.num_epochs)}."
)

# %% [markdown]
# ### Exercise 2: the mean of batch means
#
# The loop weights each batch by its size. What would change if it averaged the batch losses plainly? Work out
# the largest possible error for 54,000 images in batches of 64, then compute both averages on the validation
# images in batches of 1,024.

# %% tags=["hide-cell"]
# Solution: only a last batch that is smaller can make a difference.
pieces = Batches(
    validation.images, validation.labels, 1_024, transform=validation.transform
)
with torch.no_grad():
    batch_losses = torch.tensor(
        [F.cross_entropy(model.cpu()(x), y).item() for x, y in pieces]
    )
sizes = torch.tensor([len(y) for _, y in pieces], dtype=torch.float)
weighted, plain = (batch_losses * sizes).sum() / sizes.sum(), batch_losses.mean()
torch.testing.assert_close(weighted.item(), restored_loss, rtol=1e-4, atol=0)
say(
    f"Weighted: {weighted:.5f}, the loss of the whole set. Plain mean of batch means:"
    f" {plain:.5f}. The last batch has {int(sizes[-1])} images but counts as much as"
    f" one of {int(sizes[0])}."
)

# %% [markdown]
# ### Exercise 3: momentum as a longer step
#
# With momentum $\mu$, a steady gradient moves the weights by up to $\eta/(1-\mu)$ per step. Train for five epochs on the
# 6,000 images with momentum 0.9 at rate 0.01, and with no momentum at the rate that this rule suggests. How close
# are the losses? Write a function `equivalent_rate(rate, momentum)` first.


# %% tags=["hide-cell"]
# Solution: ten times the rate without momentum.
def equivalent_rate(rate, momentum):
    return rate / (1 - momentum)


torch.testing.assert_close(equivalent_rate(0.01, 0.9), 0.1)
ends = []
for rate, mu in ((0.01, 0.9), (equivalent_rate(0.01, 0.9), 0.0), (0.01, 0.0)):
    trial = new_model()
    ends.append(
        train_briefly(
            trial, torch.optim.SGD(trial.parameters(), lr=rate, momentum=mu), shuffled()
        )[-1]
    )
say(
    f"Momentum 0.9 at rate 0.01 ends at {ends[0]:.3f}, no momentum at rate 0.1 at {ends[1]:.3f}, and no momentum at "
    f"rate 0.01 at {ends[2]:.3f}. "
    + ("The rule explains most of what momentum did here."
       if abs(ends[0] - ends[1]) < abs(ends[0] - ends[2]) else "The rule does not explain it here.")
)  # fmt: skip

# %% [markdown]
# ## Further reading
#
# * {cite:t}`smith2017` on range tests; {cite:t}`prechelt1998` on when to stop early.
# * {cite:t}`keskar2017` and {cite:t}`goyal2017` for two sides of the debate on large batches.
# * {cite:t}`bouthillier2021` on how much results vary with the seed, and what to do about it.
#
# Next: [](04_evaluation), where the test set is opened, once.
