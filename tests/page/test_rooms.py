"""The rooms of the page's scripts: imports run one way, from the pages down to the network."""

import posixpath
import re

from helpers import ROOT

PAGE = ROOT / "seq2seq_demo" / "page"
# The rooms from which the scripts of a room import; "" is the folder of the pages.
MAY_IMPORT = {
    "": {"", "lesson", "run", "draw", "network"},
    "lesson": {"lesson", "draw", "network"},
    "run": {"run", "draw", "network"},
    "draw": {"draw", "network"},
    "network": {"network"},
}
FROM = re.compile(r"@?import [^;]*? from \"(.*?)\"")  # also of types


def imports_that_climb(scripts):
    """The imports that do not run down, given the text of each script by its path in the folder of the pages."""
    climbing = []
    for path, text in scripts.items():
        room = posixpath.dirname(path)
        found = [posixpath.normpath(posixpath.join(room, name)) for name in FROM.findall(text)]
        climbing += [f"{path}: {one}" for one in found if posixpath.dirname(one) not in MAY_IMPORT[room]]
    return climbing


def test_imports_run_from_the_pages_through_lesson_and_run_and_draw_to_the_network():
    scripts = {path.relative_to(PAGE).as_posix(): path.read_text(encoding="utf-8") for path in PAGE.rglob("*.js")}
    assert {posixpath.dirname(path) for path in scripts} == {*MAY_IMPORT}
    assert sum(len(FROM.findall(text)) for text in scripts.values()) > 100
    assert imports_that_climb(scripts) == []


def test_an_import_that_climbs_is_found():
    text = 'import {\n  app,\n  byId,\n} from "../draw/app.js";\n/** @import { Forced } from "../run/course.js" */\n'
    assert imports_that_climb({"network/x.js": text}) == ["network/x.js: draw/app.js", "network/x.js: run/course.js"]
    assert (
        imports_that_climb({"x.js": 'import { a } from "./run/a.js";', "draw/x.js": 'import { a } from "./a.js";'})
        == []
    )
