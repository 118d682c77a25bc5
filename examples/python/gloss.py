"""Components of gloss in Python: one file, no dependencies, to be put beside one's own.

A component is a class with options and a few methods, and one line that serves it:

    import gloss

    class Shortest(gloss.Retriever):
        '''Finds the items with the shortest texts that hold the query.'''

        name = "shortest"
        longest = gloss.option(80, "Letters in the longest text that is found.", minimum=1)

        def open(self, catalogue, folder):
            self.texts = [item.text for item in catalogue.items]

        def search(self, queries, ks):
            for query, k in zip(queries, ks):
                scores = [1 / len(t) if query in t and len(t) <= self.longest else 0 for t in self.texts]
                yield gloss.best(scores, k)

    gloss.serve(Shortest)

`gloss` starts the program and speaks to it through standard input and output, one JSON object a
line. `print` is safe: what it writes goes to gloss's log, as does standard error.
"""

import array
import heapq
import itertools
import json
import os
import stat
import sys
import traceback

PROTOCOL = 1


class Refused(Exception):
    """What was asked cannot be done, and the person who runs gloss can mend it; say how."""


class option:
    """An option of a component: a class attribute whose value is the option's when it is used.

    Without a default the option must be given, and `type` must tell what it is.
    """

    _required = object()
    _types = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}

    def __init__(self, default=_required, doc="", *, type=None, minimum=None, maximum=None, choices=None):
        self.required = default is option._required
        self.schema = {"description": doc}
        if choices:
            self.schema["enum"] = list(choices)
        else:
            kind = type or (None if self.required else default.__class__)
            if kind not in self._types:
                raise TypeError(f"the type of the option {doc!r} must be one of bool, int, float, str, list, dict")
            self.schema["type"] = self._types[kind]
        if minimum is not None:
            self.schema["minimum"] = minimum
        if maximum is not None:
            self.schema["maximum"] = maximum
        if not self.required:
            self.schema["default"] = default

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, component, owner):
        return self if component is None else component.options[self.name]


class Item:
    """An item of the catalogue: its `id`, its `text`, and its further `fields` by name."""

    __slots__ = ("id", "text", "fields")

    def __init__(self, id, text, fields):
        self.id, self.text, self.fields = id, text, fields


class Catalogue:
    """All items, in order; an item's position in `items` stands for it everywhere."""

    def __init__(self):
        self.items = []

    def _add(self, question):
        if question["first"]:
            self.items = []
        names = question["fields"]
        self.items += [Item(id, text, dict(zip(names, fields))) for id, text, fields in question["items"]]


class Component:
    """What all kinds have in common."""

    name = None
    version = "0"
    batch_size = None

    def configure(self):
        """Looks at the options together; may raise `Refused`."""

    def inputs(self):
        """The files that decide the answers, such as a model's or a data set's."""
        return []

    def _configure(self, question):
        self.options = question["options"]
        self.configure()
        self._code, self._modules = _own_code(), len(sys.modules)
        own = {"inputs": [str(path) for path in self.inputs()], "code": self._code, **self._facts()}
        return own | ({"batch_size": self.batch_size} if self.batch_size else {})

    def _refuse_new_code(self):
        """Refuses to go on with code that gloss was not told of, which it could not tell from other code."""
        if len(sys.modules) == self._modules:
            return
        self._modules = len(sys.modules)
        new = sorted(set(_own_code()) - set(self._code))
        if new:
            raise Refused(f"{new[0]} was imported late; import it at the top of the program, so that gloss knows of it")

    def _facts(self):
        return {}

    def _catalogue(self, question):
        if question["first"]:
            self.catalogue = Catalogue()
        self.catalogue._add(question)


class Retriever(Component):
    """From queries to items."""

    kind = "retriever"
    accepts = ["text"]

    def build(self, catalogue, folder):
        """Writes what `open` reads into the empty folder `folder`."""

    def open(self, catalogue, folder):
        """Gets ready to search an index that `build` wrote of an equal catalogue."""

    def search(self, queries, ks):
        """For each query and number of items k: pairs of an item's position and its score.

        Any order will do, but of equal scores the first in the catalogue counts more; see `best`.
        """
        raise NotImplementedError

    def _facts(self):
        return {"accepts": list(self.accepts)}

    def _build(self, question):
        self.build(self.catalogue, question["folder"])

    def _open(self, question):
        self.open(self.catalogue, question["folder"])

    def _search(self, question):
        requests = question["requests"]
        queries = [next(iter(content.values())) for content, _ in requests]
        answers = self.search(queries, [k for _, k in requests]) if requests else []
        return [[(int(item), float(score)) for item, score in answer] for answer in answers]


class History:
    """What a user bought: `user`, `items` as positions in the catalogue, oldest first, `times`, `ratings`."""

    __slots__ = ("user", "items", "times", "ratings")

    def __init__(self, question):
        for name in self.__slots__:
            setattr(self, name, question[name])


class Generator(Component):
    """From histories to queries."""

    kind = "generator"
    produces = "text"
    needs_training = False

    def open(self, catalogue, training):
        """Gets ready; `training` holds pairs of the items seen and those that followed, if it is needed."""

    def generate(self, histories):
        """For each `History`: pairs of a query and its log-probability, best first."""
        raise NotImplementedError

    def _facts(self):
        return {"produces": self.produces, "needs_training": self.needs_training}

    def _training(self, question):
        if question["first"]:
            self.training = []
        self.training += question["cases"]

    def _open(self, question):
        self.open(self.catalogue, getattr(self, "training", []))

    def _generate(self, question):
        answers = self.generate([History(history) for history in question["histories"]])
        return [[({self.produces: query}, float(p)) for query, p in queries] for queries in answers]


class Metric(Component):
    """From rankings to figures. A metric has `value` for each user, or `overall` for all."""

    kind = "metric"
    needs_catalogue = False
    cutoff = None
    range = (0.0, 1.0)
    formula = ""
    lower_is_better = False
    monotone_in_cutoff = False
    judges_relevance = False
    overall = None

    def label(self):
        """The name in tables, such as recall@5."""
        return self.name if self.cutoff is None else f"{self.name}@{self.cutoff}"

    def value(self, ranking, gains, ideal):
        """One user's value: `ranking` holds positions in the catalogue, best first, `gains` their
        grades, `ideal` the grades of all relevant items, highest first."""
        raise NotImplementedError

    def _facts(self):
        names = ["needs_catalogue", "cutoff", "range", "formula", "lower_is_better", "monotone_in_cutoff"]
        facts = {name: getattr(self, name) for name in names + ["judges_relevance"]}
        return facts | {"label": self.label(), "overall": self.overall is not None}

    def _score(self, question):
        if question["first"]:
            self._users = []
        users = [(user["ranking"], user["gains"], user["ideal"]) for user in question["users"]]
        if self.overall is None:
            return [float(self.value(*user)) for user in users]
        self._users += users

    def _overall(self, _):
        return float(self.overall(self._users))


class Dataset(Component):
    """From files to items and interactions."""

    kind = "dataset"
    fields = ()

    def items(self):
        """Each item that may be recommended: its id, its text, and its further fields, if there are any."""
        raise NotImplementedError

    def interactions(self):
        """Each interaction: user's id, item's id, milliseconds since 1970, rating or None."""
        raise NotImplementedError

    def _facts(self):
        return {"fields": list(self.fields)}

    def _items(self, _):
        return [[id, text, list(fields)] for id, text, *fields in self._some("items")]

    def _interactions(self, _):
        return self._some("interactions")

    def _some(self, what, at_once=4096):
        rows = self.__dict__.setdefault(f"_{what}_left", iter(getattr(self, what)()))
        return list(itertools.islice(rows, at_once))


def best(scores, k):
    """The best k positions with their scores above 0, given a score for every item.

    Of equal scores, as gloss's single precision holds them, the first comes first.
    """
    scores = array.array("f", scores)
    found = (item for item, score in enumerate(scores) if score > 0)
    return [(item, scores[item]) for item in heapq.nsmallest(k, found, key=lambda item: (-scores[item], item))]


def serve(component):
    """Answers gloss's questions until there are no more."""
    questions, answers = _STREAMS or _streams()
    live = component()
    for line in questions:
        question = json.loads(line)
        answers.write(_answer(live, question) + b"\n")
        answers.flush()


def _asked_by_gloss():
    """Whether standard input and output are pipes."""
    return all(stat.S_ISFIFO(os.fstat(stream).st_mode) for stream in (0, 1))


def _streams():
    """Standard input and output, out of the way of whatever else uses them in this process."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return questions, answers


def _answer(live, question):
    number, call = question["id"], question["call"]
    try:
        answer = _hello(live) if call == "hello" else getattr(live, "_" + call)(question)
        if call not in ("hello", "configure"):
            live._refuse_new_code()
        # In one go, so that what cannot be written is a fault of this answer.
        return json.dumps({"id": number, "ok": answer}, allow_nan=False).encode()
    except Refused as refused:
        return json.dumps({"id": number, "error": str(refused)}).encode()
    except Exception as error:
        traceback.print_exc()
        text = f"{type(error).__name__}: {error}"
        return json.dumps({"id": number, "error": text, "fault": True}).encode()


def _hello(live):
    component = type(live)
    options = {name: value for base in reversed(component.__mro__) for name, value in vars(base).items()
               if isinstance(value, option)}
    doc = "\n".join(line.strip() for line in (component.__doc__ or "").strip().splitlines())
    schema = {
        "type": "object",
        "description": doc,
        "properties": {name: value.schema for name, value in options.items()},
        "required": [name for name, value in options.items() if value.required],
        "additionalProperties": False,
    }
    return {
        "protocol": PROTOCOL,
        "name": component.name,
        "version": component.version,
        "kind": component.kind,
        "options": schema,
    }


def _own_code():
    """The files of the modules that lie beside the program or below, unless they were installed there."""
    folder = os.path.dirname(os.path.realpath(sys.argv[0]))
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    files = {os.path.realpath(file) for file in files if file}
    return sorted(file for file in files if _is_below(file, folder) and os.path.isfile(file))


def _is_below(file, folder):
    installed = any(part in file for part in ("site-packages", "dist-packages"))
    return file.startswith(os.path.join(folder, "")) and not installed


_STREAMS = _streams() if _asked_by_gloss() else None
