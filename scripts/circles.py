"""Circles of source files: groups in which every file reaches every other through the items it names.

    python3 scripts/circles.py [--most N] [--edges] [--children]

For each crate of the workspace, an arrow goes from file A to file B if A names an item that stands in
B, by a path that starts at `crate`, at `super`, or at a module that was imported so. Re-exports are
followed to the file that holds the item. Unit tests count; that a module names what its own child
modules hold counts with --children only. Exits with 1 if there are more circles than N (default 2).
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def without_text(source):
    """The source with comments, strings and characters blanked; braces inside them would mislead."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|r(#*)".*?"\1|"(?:\\.|[^"\\])*"|b?\'(?:\\.[^\']*|[^\\\'])\'', re.S
    )
    return pattern.sub(lambda match: '""' if match.group().endswith('"') else " ", source)


class Module:
    """One module of a crate: a file, or a `mod name { … }` inside one."""

    def __init__(self, file, parent, name):
        self.file, self.parent, self.name = file, parent, name
        self.children, self.items, self.imports, self.globs, self.paths = {}, set(), {}, [], []

    def root(self):
        return self if self.parent is None else self.parent.root()


def use_tree(text):
    """`a::{b, c as d}` → [(["a", "b"], "b"), (["a", "c"], "d")]."""
    text = text.strip()
    if (brace := text.find("{")) >= 0:
        prefix = [part.strip() for part in text[:brace].split("::") if part.strip()]
        inside, depth, start, found = text[brace + 1 : text.rfind("}")], 0, 0, []
        for at, letter in enumerate(inside + ","):
            depth += (letter == "{") - (letter == "}")
            if letter == "," and depth == 0:
                if part := inside[start:at].strip():
                    found += [(prefix + path, name) for path, name in use_tree(part)]
                start = at + 1
        return found
    path, _, alias = text.partition(" as ")
    parts = [part.strip() for part in path.split("::") if part.strip()]
    if parts[-1] == "self":
        parts.pop()
    return [(parts, alias.strip() or (parts[-1] if parts else ""))]


TOKEN = re.compile(
    r"(?P<use>\buse\s+(?P<tree>[^;]+);)"
    r"|(?P<mod>\bmod\s+(?P<modname>\w+)\s*(?P<end>[;{]))"
    r"|(?P<item>\b(?:fn|struct|enum|trait|type|const|static|union|macro_rules!)\s+(?P<itemname>\w+))"
    r"|(?P<path>(?<![\w:])(?:\w+::)+\w+)"
    r"|[{}]"
)


def read(file, parent, name, folder):
    """The module in `file`, its children read from `folder`."""
    top = Module(file, parent, name)
    stack, depth = [(top, 0)], 0
    for match in TOKEN.finditer(without_text(file.read_text(encoding="utf-8"))):
        module = stack[-1][0]
        if match.group() == "{":
            depth += 1
        elif match.group() == "}":
            depth -= 1
            if len(stack) > 1 and depth == stack[-1][1]:
                stack.pop()
        elif match.group("use"):
            for path, alias in use_tree(match.group("tree")):
                if path and path[-1] == "*":
                    module.globs.append(path[:-1])
                elif path:
                    module.imports[alias] = path
                    module.paths.append(path)
        elif match.group("mod"):
            child = match.group("modname")
            if match.group("end") == "{":
                module.children[child] = Module(file, module, child)
                stack.append((module.children[child], depth))
                depth += 1
            else:
                for place in (folder / f"{child}.rs", folder / child / "mod.rs"):
                    if place.exists():
                        module.children[child] = read(place, module, child, folder / child)
        elif match.group("item"):
            module.items.add(match.group("itemname"))
        elif match.group("path"):
            module.paths.append(match.group("path").split("::"))
    return top


def resolve(module, path, seen=None):
    """The file that holds what `path`, written in `module`, names; nothing if it is not ours."""
    seen = set() if seen is None else seen
    if (id(module), tuple(path)) in seen:
        return None
    seen.add((id(module), tuple(path)))
    first, rest = path[0], path[1:]
    if first in ("crate", "self", "super"):
        place = {"crate": module.root(), "self": module, "super": module.parent}[first]
        return None if place is None else (resolve(place, rest, seen) if rest else place.file)
    if first in module.children:
        child = module.children[first]
        return (resolve(child, rest, seen) or child.file) if rest else child.file
    if first in module.items:
        return module.file
    if first in module.imports:
        target = module.imports[first]
        return None if target[0] == first and target == path else resolve(module, target + rest, seen)
    for glob in module.globs:
        known = glob and (glob[0] in ("crate", "self", "super") or glob[0] in module.children)
        if known and (found := resolve(module, glob + path, seen)):
            return found
    return None


def upwards(module, path):
    """Whether `path` leads out of `module` and its children."""
    return path[0] in ("crate", "super") or module.imports.get(path[0], path)[0] in ("crate", "super")


def arrows(module, graph, children):
    """Adds what `module` and its children name."""
    for path in module.paths + [glob for glob in module.globs if glob]:
        target = resolve(module, path) if children or upwards(module, path) else None
        if target and target != module.file:
            graph.setdefault(module.file, set()).add(target)
    for child in module.children.values():
        arrows(child, graph, children)


def circles(graph):
    """Strongly connected groups of more than one file (Tarjan 1972)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in graph.get(node, ()):
            if target not in index:
                visit(target)
            if target in stack:
                low[node] = min(low[node], low[target])
        if low[node] == index[node]:
            group = [stack.pop()]
            while group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=2, help="so many circles are allowed")
    parser.add_argument("--edges", action="store_true", help="show the arrows inside each circle")
    parser.add_argument("--children", action="store_true", help="count what a module's children hold")
    options = parser.parse_args()
    sys.setrecursionlimit(10_000)
    found = files = 0
    for source in sorted(ROOT.glob("crates/*/src")):
        graph = {}
        for entry in ("lib.rs", "main.rs"):
            if (source / entry).exists():
                arrows(read(source / entry, None, "crate", source), graph, options.children)
        files += sum(1 for _ in source.rglob("*.rs"))
        for group in circles(graph):
            found += 1
            print(f"circle of {len(group)} files:", *(str(file.relative_to(ROOT)) for file in group))
            for file in group if options.edges else ():
                for target in sorted(graph[file] & set(group)):
                    print(f"    {file.relative_to(source)} → {target.relative_to(source)}")
    print(f"{files} files, {found} circles (at most {options.most})")
    sys.exit(found > options.most)


if __name__ == "__main__":
    main()
