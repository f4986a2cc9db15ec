#!/usr/bin/env python3
"""Makes models/imagenet/names.json: the thousand classes as WordNet synsets, with synonyms and what they are kinds of.

    npm pack @tensorflow-models/mobilenet@2.1.1     # names in the network's order (Apache-2.0)
    apt-get install --no-install-recommends wordnet-base   # WordNet 3.0 (its own permissive licence)
    python3 scripts/models/make_names.py imagenet_classes.js models/imagenet/names.json

A class is looked for among the synsets that hold its first name, by how many of its names they share. The classes
are in the order of their synsets' numbers, which decides where several hold a name.
"""
import argparse
import json
import pathlib
import re

FILE = pathlib.Path("/usr/share/wordnet/data.noun")
# Kinds above these say nothing about a thing.
TOO_GENERAL = {"entity", "physical entity", "object", "whole", "artifact", "matter", "abstraction", "causal agent",
               "living thing", "organism", "instrumentality", "unit", "thing", "substance"}


def read_wordnet():
    synsets = {}
    for line in FILE.read_text(encoding="latin-1").splitlines():
        if line.startswith(" "):
            continue
        fields = line.split(" | ")[0].split()
        number, count = int(fields[0]), int(fields[3], 16)
        names = [fields[4 + 2 * i].replace("_", " ") for i in range(count)]
        pointers = fields[4 + 2 * count + 1 :]
        above = [int(pointers[i + 1]) for i in range(0, len(pointers) - 3, 4)
                 if pointers[i] in ("@", "@i") and pointers[i + 2] == "n"]
        synsets[number] = (names, above)
    return synsets


def kinds_of(synsets, number):
    """Names of what is above a synset, the nearest first."""
    kinds, at = [], synsets[number][1][:1]
    while at:
        names, above = synsets[at[0]]
        if names[0].lower() not in TOO_GENERAL:
            kinds.append(names[0])
        at = above[:1]
    return kinds


def candidates(by_name, synsets, names):
    lowered = {form for name in names for form in (name.lower(), name.lower().replace(" ", ""))}
    found = {number for name in lowered for number in by_name.get(name, ())}
    scored = [(len(lowered & {n.lower() for n in synsets[number][0]}) / len(synsets[number][0] + names), number)
              for number in found]
    scored.sort(reverse=True)
    return [(number, score) for score, number in scored[:6]]


def choose(options):
    """One synset a class: the best sum of scores where numbers rise from class to class as often as may be."""
    best = [{number: (score, None) for number, score in options[0]}]
    for at in range(1, len(options)):
        row = {}
        for number, score in options[at]:
            row[number] = max((before_score + score + (1 if before < number else 0), before)
                              for before, (before_score, _) in best[-1].items())
        best.append(row)
    number = max(best[-1], key=lambda n: best[-1][n][0])
    chosen = [number]
    for row in reversed(best):
        if row[number][1] is None:
            break
        number = row[number][1]
        chosen.append(number)
    return chosen[::-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("classes", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    text = arguments.classes.read_text()
    entries = re.findall(r"""^\s*(\d+):\s*(?:'((?:[^'\\]|\\.)*)'|"([^"]*)")""", text, re.M)
    assert [int(e[0]) for e in entries] == list(range(1000)), len(entries)
    names = [[n.strip() for n in (a or b).replace("\\'", "'").split(", ")] for _, a, b in entries]
    synsets = read_wordnet()
    by_name = {}
    for number, (own, _) in synsets.items():
        for name in own:
            by_name.setdefault(name.lower(), []).append(number)
    options = [candidates(by_name, synsets, own) for own in names]
    missing = [names[i] for i, o in enumerate(options) if not o]
    assert not missing, missing
    chosen = choose(options)
    falls = [names[i + 1][0] for i in range(999) if chosen[i] >= chosen[i + 1]]
    print(f"{len(set(chosen))} synsets; the order falls {len(falls)} times: {falls}")
    table = [{"synset": f"n{number:08d}", "names": own, "is_a": kinds_of(synsets, number)}
             for own, number in zip(names, chosen)]
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in table)
    arguments.out.write_text('{"classes": [\n' + lines + "\n]}\n")


if __name__ == "__main__":
    main()
