"""JMESPath expressions and endpoint rules as trees of 16-bit words.

A node is a run of words: a tag, then numbers, strings' numbers and offsets of child nodes.  Children are written before
their parents, so that an offset always points backwards (which is how the reader knows that there is no cycle), and equal
nodes are written once.  Offset 0 is no node.  src/aws/jmespath.c and src/aws/endpoint.c describe the tags.
"""

import re

import jmespath

from traits import UnknownTrait, check, choose

CHAIN, PROJECT, FLATTEN, LITERAL, IDENTITY, COMPARE, AND, OR, NOT, INDEX, FILTER, CALL, LIST, VALUES, FIELD = range(1, 16)
JMESPATH_SAME = {
    "projection": PROJECT, "flatten": FLATTEN, "identity": IDENTITY, "current": IDENTITY, "and_expression": AND, "or_expression": OR,
    "not_expression": NOT, "filter_projection": FILTER, "value_projection": VALUES,
}  # fmt: skip
COMPARISONS = {"eq": 0, "ne": 1, "lt": 2, "lte": 3, "gt": 4, "gte": 5}
JMESPATH_FUNCTIONS = {"length": 0, "keys": 1}

BOOLEAN, INTEGER, STRING, TEMPLATE, ARRAY, REFERENCE, FUNCTION, OBJECT, RULES, TREE, ERROR, ENDPOINT = range(1, 13)
RULE_FUNCTIONS = {
    name: number + 1
    for number, name in enumerate(
        "isSet not getAttr substring stringEquals booleanEquals uriEncode parseURL isValidHostLabel aws.partition"
        " aws.parseArn aws.isVirtualHostableS3Bucket".split()
    )
}


class Nodes:
    """The words of one section."""

    def __init__(self, strings):
        self.words = [0]
        self.known = {}
        self.string = strings

    def put(self, *words):
        """The offset of a node with these words."""
        if words not in self.known:
            self.known[words] = len(self.words)
            self.words.extend(words)
            if len(self.words) > 65536:
                raise OverflowError("too many tree nodes")
        return self.known[words]


class Expressions(Nodes):
    """JMESPath."""

    def compile(self, text):
        """The offset of an expression's root; 0 for none."""
        return self.node(jmespath.compile(text).parsed, text) if text else 0

    def node(self, tree, where):
        kind, value = tree["type"], tree.get("value")
        children = [self.node(child, where) for child in tree.get("children", ())]
        if kind == "field":
            return self.put(FIELD, self.string(value))
        if kind in ("subexpression", "index_expression"):
            return self.put(CHAIN, len(children), *children)
        if kind == "multi_select_list":
            return self.put(LIST, len(children), *children)
        if kind == "literal":
            return self.put(LITERAL, *scalar(value, self.string, where))
        if kind == "comparator":
            return self.put(COMPARE, choose(COMPARISONS, value, where), *children)
        if kind == "index":
            return self.put(INDEX, value & 0xFFFF)
        if kind == "function_expression":
            if len(children) != 1:
                raise UnknownTrait(f"{where}: arguments of {value}")
            return self.put(CALL, choose(JMESPATH_FUNCTIONS, value, where), *children)
        return self.put(choose(JMESPATH_SAME, kind, where), *children)


def scalar(value, string, where):
    """A constant as kind and value: 1 boolean, 2 integer, 3 string."""
    if isinstance(value, bool):
        return 1, int(value)
    if isinstance(value, int) and 0 <= value < 65536:
        return 2, value
    if isinstance(value, str):
        return 3, string(value)
    raise UnknownTrait(f"{where}: constant {value!r}")


class Rules(Nodes):
    """An endpoint rule set; after construction 'parameters', 'root' and 'variables' are what the header tells of it."""

    TYPES = {"string": 0, "boolean": 1, "stringarray": 2}

    def __init__(self, strings, rule_set, where):
        super().__init__(strings)
        self.variables = {}
        self.where = where
        self.parameters = self.root = 0
        if rule_set is None:
            return
        check("rule set", rule_set, where)
        records = []
        for name, parameter in rule_set["parameters"].items():
            check("rule parameter", parameter, f"{where}.{name}")
            self.variable(name)
            kind, default = 0, parameter.get("default")
            if default is not None:
                kind, default = scalar(default, strings, f"{where}.{name}")
            choose(self.TYPES, parameter["type"].lower(), f"{where}.{name}")
            required = int(bool(parameter.get("required")))
            records += [strings(name), strings(parameter.get("builtIn")), required, kind, default or 0]
        self.parameters = self.put(len(self.variables), *records)
        self.root = self.rules(rule_set["rules"])

    def variable(self, name):
        return self.variables.setdefault(name, len(self.variables))

    def rules(self, rules):
        return self.put(RULES, len(rules), *[self.rule(rule) for rule in rules])

    def rule(self, rule):
        check("rule", rule, self.where)
        conditions = [self.value(condition) for condition in rule.get("conditions", ())]
        conditions.insert(0, len(conditions))
        if rule["type"] == "tree":
            return self.put(TREE, self.rules(rule["rules"]), *conditions)
        if rule["type"] == "error":
            return self.put(ERROR, self.value(rule["error"]), *conditions)
        if rule["type"] != "endpoint":
            raise UnknownTrait(f"{self.where}: rule of type {rule['type']}")
        endpoint = rule["endpoint"]
        check("rule endpoint", endpoint, self.where)
        extras = [self.value(endpoint[key]) if endpoint.get(key) else 0 for key in ("properties", "headers")]
        return self.put(ENDPOINT, self.value(endpoint["url"]), *extras, *conditions)

    def value(self, value):
        if isinstance(value, bool):
            return self.put(BOOLEAN, int(value))
        if isinstance(value, int):
            return self.put(INTEGER, value)
        if isinstance(value, str):
            return self.template(value)
        if isinstance(value, list):
            return self.put(ARRAY, len(value), *[self.value(element) for element in value])
        if set(value) == {"ref"}:
            return self.put(REFERENCE, self.variable(value["ref"]))
        if "fn" in value:
            check("function", value, self.where)
            function = choose(RULE_FUNCTIONS, value["fn"], self.where)
            arguments = [self.value(argument) for argument in value["argv"]]
            assign = self.variable(value["assign"]) + 1 if "assign" in value else 0
            return self.put(FUNCTION, function, assign, len(arguments), *arguments)
        members = [word for key, member in value.items() for word in (self.string(key), self.value(member))]
        return self.put(OBJECT, len(members) // 2, *members)

    def template(self, text):
        """A string with {variable} or {variable#path} in it: triples of kind, string or variable, path."""
        pieces = re.split(r"\{([A-Za-z0-9_#.]+)\}", text)
        if len(pieces) == 1:
            return self.put(STRING, self.string(text))
        words = []
        for number, piece in enumerate(pieces):
            if number % 2 == 1:
                name, _, path = piece.partition("#")
                words += [1, self.variable(name), self.string(path.replace("#", "."))]
            elif piece:
                words += [0, self.string(piece), 0]
        return self.put(TEMPLATE, len(words) // 3, *words)
