"""SIGMORPHON 2021, task 1, subtask 3: pronunciation in ten languages with 800 pairs each, next to published results.

    .venv/bin/python scripts/published/sigmorphon2021.py DATA [--seeds 5] [--languages ita,rum] [--dev]

DATA contains files such as `ita_train.tsv`, `ita_dev.tsv` and `ita_test.tsv`, as in https://github.com/sigmorphon/2021-task1,
folder `data/low`. The rest is as in `sigmorphon2020.py`, but the table also includes the development sets.
"""

from sigmorphon2020 import Published, run

# Word error rates of the organisers' ensemble of ten neural transducers, on dev and on test, in percent.
PUBLISHED = {
    "ady": (22, 22),
    "gre": (5, 21),
    "ice": (11, 12),
    "ita": (22, 19),
    "khm": (34, 34),
    "lav": (41, 55),
    "mlt_latn": (20, 19),
    "rum": (10, 10),
    "slv": (43, 49),
    "wel_sw": (16, 10),
}


def main() -> None:
    """Compare with the published results."""
    rates = {
        (language, part): [(float(rate), None)]
        for language, both in PUBLISHED.items()
        for part, rate in zip(("dev", "test"), both, strict=True)
    }
    run(str(__doc__), "sigmorphon2021", Published(["ten transducers"], rates), both_parts=True)


if __name__ == "__main__":
    main()
