"""The rules for a chapter that can be judged without running it."""

import ast
import io
import json
import re
import sys
import tokenize
from pathlib import Path

import nbformat
import pytest
from lessons import lines, shows_explorer, tags
from nbconvert import ScriptExporter

import notebooks
from losslab import exercises
from losslab.book import chapters
from notebooks import stored

ROOT = Path(__file__).resolve().parents[2]
FILES = {path.stem: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
CHAPTERS = {chapter.stem: chapter for chapter in chapters.CHAPTERS}
LAST_RUN = json.loads(notebooks.LAST_RUN.read_text(encoding="utf-8"))
LONG_CELLS = {  # cells of more than 15 lines, as "stem#id": why it cannot be split
    "07_mnist#program-text": "the whole program on one page is the point",
}
HERE = re.compile(r"/(?:home|root|Users|tmp|var|opt|mnt|work)/|[A-Z]:\\\\?Users|site-packages|ipykernel_\d")


def read(stem):
    return nbformat.read(FILES[stem], as_version=4)


def code(nb):
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def prose(nb):
    """Markdown cells as (cell, text without fenced code)."""
    fences = re.compile(r"^```.*?^```", re.M | re.S)
    return [(cell, fences.sub("", cell.source)) for cell in nb.cells if cell.cell_type == "markdown"]


def data(cell):
    """The outputs of a code cell as {mime type: text}."""
    found = {}
    for output in cell.outputs:
        parts = output.get("data") or {f"stream/{output.get('name')}": output.get("text", "")}
        for mime, text in parts.items():
            found[mime] = found.get(mime, "") + str(text)
    return found


def words(cell):
    """The outputs of a code cell without its pictures."""
    return "\n".join(text for mime, text in data(cell).items() if not mime.startswith("image/"))


def reads_out(cell):
    """Does the cell say something in words?"""
    return bool({"stream/stdout", "text/markdown", "text/html", "text/latex"} & set(data(cell)))


def displays(nb):
    """Every $$ … $$ of a notebook."""
    return [d for _, text in prose(nb) for d in re.findall(r"\$\$(.+?)\$\$", text, re.S)]


def numbered(nb):
    """The numbers of all \\tag{…}, in order."""
    return [tag for _, text in prose(nb) for tag in re.findall(r"\\tag\{(.*?)\}", text)]


def checks(nb):
    """(cell, number) of every check("5.1", …)."""
    pattern = re.compile(r"^check\([\"']([^\"']*)[\"']", re.M)
    return [(cell, number) for cell in code(nb) for number in pattern.findall(cell.source)]


def equation_tests():
    """The numbers N.M of all functions test_equation_N_M… in tests/."""
    for path in (ROOT / "tests").glob("chapters/*/test_equations.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_equation_"):
                match = re.match(r"test_equation_(\d+)_(\d+)(?=_|$)", node.name)
                assert match, f"{path.name}: {node.name} does not say which equation"
                yield f"{match[1]}.{match[2]}"


def test_the_table_names_every_notebook():
    assert set(FILES) == set(CHAPTERS)


def test_every_numbered_equation_has_a_test_and_every_test_an_equation():
    shown = [number for stem in FILES for number in numbered(read(stem))]
    assert len(shown) == len(set(shown)), "a number is used twice"
    assert set(shown) == set(equation_tests())


def test_the_last_run_was_of_all_notebooks_and_took_six_minutes_at_most():
    """Two at a time, as on a machine with two cores."""
    assert set(LAST_RUN) == {path.name for path in FILES.values()}, "run: make notebooks"
    assert sum(row["seconds"] for row in LAST_RUN.values()) / 2 <= 6 * 60


def test_no_notebook_took_more_memory_than_binder_gives():
    assert {name: row["memory_gb"] for name, row in LAST_RUN.items() if row["memory_gb"] > 2} == {}


@pytest.fixture(params=FILES)
def stem(request):
    return request.param


@pytest.fixture
def nb(stem):
    return read(stem)


def test_stored_as_the_tool_stores(stem, nb):
    assert FILES[stem].read_text(encoding="utf-8") == stored(nb), "run: python tools/notebooks.py"


def test_run_from_top_to_bottom(nb):
    counts = [cell.execution_count for cell in code(nb)]
    assert counts == list(range(1, len(counts) + 1)), "run: python tools/notebooks.py"


def test_small_enough_for_a_page(stem):
    assert FILES[stem].stat().st_size <= 300_000


def test_no_place_on_a_machine(nb):
    texts = {cell.id: cell.source for cell in nb.cells}
    for cell in code(nb):
        texts[cell.id] += words(cell)
    found = {i: HERE.findall(t) + [p for p in (sys.prefix, str(ROOT)) if p in t] for i, t in texts.items()}
    assert {i: places for i, places in found.items() if places} == {}


def test_cells_are_short(stem, nb):
    sizes = {f"{stem}#{cell.id}": lines(cell) for cell in code(nb)}
    assert {i: n for i, n in sizes.items() if n > (40 if i in LONG_CELLS else 15)} == {}


def test_a_chapter_that_draws_begins_with_the_settings_of_the_book(nb):
    drawing = [cell.source for cell in code(nb) if "import matplotlib" in cell.source]
    assert not drawing or "\nenvironment.begin()" in drawing[0]


def test_cells_are_plain_python(nb):
    for cell in code(nb):
        tree = ast.parse(cell.source)  # magics and ! are syntax errors
        names = [n.names[0].name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
        assert "*" not in names, f"{cell.id} imports *"
        assert "get_ipython" not in cell.source, f"{cell.id} calls IPython"
        tokens = tokenize.generate_tokens(io.StringIO(cell.source).readline)
        assert not any(t.type == tokenize.OP and t.string == ";" for t in tokens), f"{cell.id} has a ;"


def test_nothing_escapes_the_comparison(nb):
    """No cell is skipped or expected to raise, and what moves by itself is marked as such."""
    for cell in code(nb):
        assert not {"nbval-skip", "raises-exception"} & set(tags(cell)), cell.id
        assert "NBVAL" not in cell.source, cell.id
        if "nbval-ignore-output" not in tags(cell):
            assert not shows_explorer(cell), f"{cell.id} shows a widget: tag it nbval-ignore-output"
            clock = re.findall(r"\d(?:it/s|s/it)|\d ms\b", words(cell))
            assert not clock, f"{cell.id} prints timings: {clock}"


def test_title_and_banner(stem, nb):
    title, _, below = nb.cells[0].source.partition("\n")
    assert title == f"# {CHAPTERS[stem].number} · {CHAPTERS[stem].title}"
    assert below.strip().splitlines()[0] == chapters.banner(stem)


def test_every_exercise_says_its_minutes(nb):
    for heading in re.findall(r"^### Exercise .*", "\n".join(text for _, text in prose(nb)), re.M):
        assert re.fullmatch(r"### Exercise \d+\.\d+ · .+ \(★{1,3}, \d+ min(utes)?\)", heading)


def test_headings_skip_no_level(nb):
    levels = [len(h) for _, text in prose(nb) for h in re.findall(r"^(#+) ", text, re.M)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False)), levels


def test_every_figure_is_read_out(nb):
    cells = code(nb)
    for cell, after in zip(cells, [*cells[1:], None], strict=True):
        if "image/png" in data(cell) and not shows_explorer(cell):
            said = reads_out(cell) or (after is not None and reads_out(after))
            assert said, f"print one sentence made from the data of the figure in {cell.id}"


def test_every_explorer_is_stored_as_a_picture_and_asks_for_a_prediction(nb):
    for cell in filter(shows_explorer, code(nb)):
        stills = [out for out in cell.outputs if "image/png" in out.get("data", {})]
        assert stills, f"{cell.id} must show how it opens: run tools/notebooks.py"
        assert all(out.metadata["image/png"]["alt"] for out in stills), cell.id
        i = nb.cells.index(cell)
        around = "".join(c.source for c in nb.cells[max(i - 3, 0) : i + 2] if c.cell_type == "markdown")
        assert "**Predict" in around, f"ask for a prediction before {cell.id}"


def test_pictures_have_alt_text(nb):
    for cell, text in prose(nb):
        assert "![](" not in text, cell.id
        for tag in re.findall(r"<img\b[^>]*>", text):
            assert re.search(r'alt="[^"]+"', tag), f"{cell.id}: {tag}"


def test_formulas_render_on_github(nb):
    for cell, text in prose(nb):
        bare = re.findall(r"\\begin\{(?:align|eqnarray|gather|multline|equation)\*?\}", text)
        assert not bare, f"{cell.id}: use $$ … \\begin{{aligned}}, not {bare[0]}"
        assert text.count("$$") % 2 == 0, f"{cell.id} opens a $$ and does not close it"


def test_equation_numbers_belong_to_the_chapter(stem, nb):
    shown = displays(nb)
    assert sum(d.count("\\tag") for d in shown) == len(numbered(nb)), "a \\tag stands outside $$ … $$"
    assert all(d.count("\\tag") <= 1 for d in shown), "one number per display"
    for number in numbered(nb):
        assert re.fullmatch(rf"{int(stem[:2])}\.[1-9]\d*", number), number


def test_boxes_name_their_erratum(nb):
    for cell, text in prose(nb):
        boxed = re.findall(r"^> \*\*The article says\*\* \((.*?)[;)]", text, re.M)
        assert bool(boxed) == ("erratum" in tags(cell)), f"{cell.id}: box and tag go together"
        for ids in boxed:
            for name in re.split(r"[,–\s]+", ids):
                assert re.fullmatch(r"E\d{3}", name), f"{cell.id}: {name!r} is no erratum id"
                assert 1 <= int(name[1:]) <= 150, f"{cell.id}: there is no {name}"
        if boxed:
            assert "**What happens**" in text, cell.id
            assert "**What is right**" in text, cell.id


def test_exercises_have_a_checker_and_a_solution(stem, nb):
    for cell, number in checks(nb):
        assert int(number.partition(".")[0]) == int(stem[:2]), number
        assert callable(exercises.find(number))
        assert "exercise" in tags(cell), f"tag {cell.id} as exercise"
        assert f"Exercise {number}: not answered yet." in data(cell).get("stream/stdout", ""), cell.id
        before = "\n".join(c.source for c in nb.cells[: nb.cells.index(cell)] if c.cell_type == "markdown")
        assert re.search(rf"^### Exercise {re.escape(number)} · ", before, re.M), (
            f"no heading for exercise {number}"
        )
        solution = nb.cells[nb.cells.index(cell) + 1].source
        assert re.search(r"<details><summary>Solution</summary>\n\n.*```python\n.*</details>", solution, re.S)


def test_every_checker_has_an_exercise(stem, nb):
    path = Path(exercises.__file__).with_name(f"ch{stem[:2]}.py")
    source = path.read_text(encoding="utf-8") if path.exists() else ""
    found = re.findall(r"^def check_(\d+)_(\d+)\(", source, re.M)
    assert sorted(f"{a}.{b}" for a, b in found) == sorted(number for _, number in checks(nb))


def test_chapter_ends_with_recap_and_references(stem, nb):
    if int(stem[:2]) >= 1:
        text = "\n".join(text for _, text in prose(nb))
        recap, references = text.rfind("In this chapter we"), text.rfind("References")
        assert -1 < recap < references, "close with **In this chapter we** … and ## References"


@pytest.mark.parametrize("stem", FILES)
def test_nbconvert_makes_a_python_script_of_it(stem):
    _, resources = ScriptExporter().from_filename(str(FILES[stem]))
    assert resources["output_extension"] == ".py"
