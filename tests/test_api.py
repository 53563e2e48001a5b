"""The names that `seq2seq_demo` exports, and the side effects of importing them."""

import inspect
import re
import subprocess
import sys

import pytest
from helpers import ROOT, environment

import seq2seq_demo

NAMES = """train load ensemble read_pairs networks patterns
TrainedNetwork Prediction Evaluation History Epoch TrainingState Callback
Seq2SeqError UsageError InputError WeightsError TrainingError"""
ERRORS = {name for name in seq2seq_demo.__all__ if name.endswith("Error")} | {"FileExistsError"}


@pytest.mark.slow
def test_importing_changes_no_environment_variable_and_loads_no_large_module():
    code = """if True:
        import os, sys
        before, modules = dict(os.environ), set(sys.modules)
        import seq2seq_demo
        print(sorted(name for name in sys.modules.keys() - modules if name.startswith("seq2seq_demo")))
        print({"numpy", "tensorflow", "keras", "h5py", "matplotlib", "rich", "threadpoolctl"} & sys.modules.keys())
        from seq2seq_demo import *
        print(train.__module__, load.__module__)
        print(dict(os.environ) == before, {"tensorflow", "keras", "matplotlib"} & sys.modules.keys())
    """
    modules = "seq2seq_demo.training.train seq2seq_demo.trained.loading"
    argv = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=environment())
    assert done.stdout == f"['seq2seq_demo']\nset()\n{modules}\nTrue set()\n"


def test_the_example_of_the_package_is_that_of_the_documents_which_runs():
    (call,) = re.findall(r"network = train\(.*?\)", seq2seq_demo.__doc__)
    assert f"{call}\n" in (ROOT / "seq2seq_demo" / "docs" / "PYTHON.md").read_text()


def test_every_name_can_be_imported():
    assert sorted(NAMES.split()) == seq2seq_demo.__all__
    for name in seq2seq_demo.__all__:
        exported = getattr(seq2seq_demo, name)
        assert exported.__name__ == name
        assert exported.__module__.startswith("seq2seq_demo.")
        assert exported.__doc__
    assert set(seq2seq_demo.__all__) <= set(dir(seq2seq_demo))


def test_every_argument_of_a_public_function_is_documented():
    functions = [value for name in seq2seq_demo.__all__ if inspect.isfunction(value := getattr(seq2seq_demo, name))]
    functions += [getattr(seq2seq_demo.TrainedNetwork, name) for name in ("predict", "evaluate", "save")]
    assert len(functions) >= 7
    for function in functions:
        names = inspect.signature(function).parameters.keys() - {"self", "settings"}
        assert names == {*re.findall(r"^    (\w+): ", inspect.getdoc(function), re.MULTILINE)} - ERRORS, function


def test_every_other_method_of_a_network_names_its_arguments():
    for name, method in inspect.getmembers(seq2seq_demo.TrainedNetwork, inspect.isfunction):
        names = inspect.signature(method).parameters.keys() - {"self"}
        assert name[0] == "_" or names <= {*re.findall(r"\w+", inspect.getdoc(method))}, name


def test_errors_are_also_those_of_python_and_name_the_row():
    for call, own, built_in, row in (
        (lambda: seq2seq_demo.load("none.h5"), "WeightsError", FileNotFoundError, None),
        (lambda: seq2seq_demo.load("."), "WeightsError", ValueError, None),
        (lambda: seq2seq_demo.read_pairs("none.tsv"), "InputError", FileNotFoundError, None),
        (lambda: seq2seq_demo.train([("a", "b"), ("c", "d", "e")]), "InputError", ValueError, 1),
        (lambda: seq2seq_demo.load("copy-rnn").predict([[1], [2], [10]]), "InputError", ValueError, 2),
        (lambda: seq2seq_demo.train("copy", points=0), "UsageError", ValueError, None),
    ):
        with pytest.raises(getattr(seq2seq_demo, own)) as error:
            call()
        assert isinstance(error.value, built_in)
        assert isinstance(error.value, FileNotFoundError) == (built_in is FileNotFoundError)
        assert getattr(error.value, "row", None) == row
    assert issubclass(seq2seq_demo.TrainingError, RuntimeError)


def test_an_unknown_name_raises_the_usual_errors():
    with pytest.raises(ImportError, match="cannot import name 'nope' from 'seq2seq_demo'"):
        from seq2seq_demo import nope  # noqa: F401
    with pytest.raises(AttributeError, match=r"^module 'seq2seq_demo' has no attribute 'nope'$"):
        _ = seq2seq_demo.nope
    with pytest.raises(AttributeError, match=r"attribute 'Trian'; did you mean train\?$"):
        _ = seq2seq_demo.Trian
