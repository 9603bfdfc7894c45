"""JSON lines that drift: members come and go, change type, nest, and some lines are wrong. Usage: json_corpus.py SEED LINES"""
import json
import random
import sys

rng = random.Random(int(sys.argv[1]))

NUMBERS = ["0", "-0", "7", "7.0", "7.5", "70e-1", "1e3", "1E400", "-1e-400", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
           "18446744073709551616", "9007199254740993", "12345678901234567890123456789012345678901234567890", "0.1", "123.456", "1.7976931348623157e308",
           "5e-324", "-0.0", "3000000000", "0.30000000000000004", "2.2250738585072011e-308", "100000000000000000000000.5"]
TEXTS = ["", "x", "caf\u00e9", "\u65e5\u672c", "\U0001f600", 'q"uote', "back\\slash", "new\nline", "\x00nul", "a" * 31, "b" * 32, "c" * 33 + "\"", "2021-07-21T06:00:00Z",
         "2021-07-21T06:00:00.123456Z", "2021-07-21T06:00:00+02:00", "2021-02-30T00:00:00Z", "true", "7"]
KEYS = ["id", "type", "n", "price", "at", "flag", "o", "list", "deep", "key.dot", "", "Id", "quo\"te", "_rescued", "caf\u00e9", "long" * 10, "esc\\aped"]


def string(text):
    out = json.dumps(text, ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.05:
        out = out[:-1] + rng.choice(['\\ud800"', '\\udc00x"', "\\/\"", "\\u0041\""])
    return out


def value(depth, key):
    kind = rng.random()
    # Most members keep to the type of their name, so that columns are typed and something is left to drift.
    if kind < 0.7:
        if key == "id" or key == "n":
            return rng.choice(["1", "2", "-3", "1000000"])
        if key == "price":
            return rng.choice(["0.5", "12.25", "3", "1e2"])
        if key == "at":
            return '"2021-07-21T06:00:%02d.5Z"' % rng.randrange(60)
        if key == "flag":
            return rng.choice(["true", "false"])
        if key == "o" and depth < 5:
            return obj(depth + 1)
        if key == "list" and depth < 5:
            return "[" + ",".join(value(depth + 1, "id") for _ in range(rng.randrange(4))) + "]"
        if key == "deep" and depth < 5:
            return "[" + ",".join(obj(depth + 1) for _ in range(rng.randrange(3))) + "]"
        return string(rng.choice(TEXTS))
    if kind < 0.8:
        return "null"
    if kind < 0.88:
        return rng.choice(NUMBERS)
    if kind < 0.94 or depth > 5:
        return string(rng.choice(TEXTS))
    return rng.choice([lambda: obj(depth + 1), lambda: "[" + ",".join(value(depth + 1, "") for _ in range(rng.randrange(4))) + "]"])()


def obj(depth):
    keys = [k for k in KEYS if rng.random() < (0.5 if depth == 0 else 0.2)]
    rng.shuffle(keys)
    if keys and rng.random() < 0.02:
        keys.append(keys[0])
    space = rng.choice(["", "", "", " ", "\t "])
    return "{" + space + ("," + space).join(json.dumps(k) + space + ":" + space + value(depth, k) for k in keys) + space + "}"


for _ in range(int(sys.argv[2])):
    line = obj(0)
    if rng.random() < 0.05:
        at = rng.randrange(len(line))
        line = rng.choice([line[:at], line[:at] + rng.choice(["\x01", "}", "{", ",", '"', "\\", "NaN", " x ", "0"]) + line[at:], line[:at] + line[at + 1:], "[1]", "7", "", "  ",
                           "\ufeff" + line, "null", line + line])
    sys.stdout.buffer.write(line.encode() + b"\n")
