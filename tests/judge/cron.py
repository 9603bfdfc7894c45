"""What croniter makes of cron expressions: lines "expression|zone|start|the three moments after it", all of them drawn by chance from a seed."""

import datetime
import random
import sys
import zoneinfo

import croniter

chance = random.Random(int(sys.argv[1]))
# No expression may ask for both kinds of days: which of them count is told apart by a star of croniter's own.
ZONES = ["UTC", "Asia/Kolkata", "Asia/Tokyo"]


def field(first, last):
    kind = chance.randrange(6)
    if kind <= 1:
        return "*"
    if kind == 2:
        return f"*/{chance.randint(2, max(2, last // 2))}"
    a, b = sorted(chance.sample(range(first, last + 1), 2))  # to croniter "8-8" is all
    return {3: f"{a}", 4: f"{a}-{b}", 5: f"{a},{b}"}[kind]


for _ in range(int(sys.argv[2])):
    days, weekdays = (field(1, 28), "*") if chance.random() < 0.5 else ("*", field(0, 6))
    expression = " ".join([field(0, 59), field(0, 23), days, field(1, 12), weekdays])
    zone = chance.choice(ZONES)
    start = datetime.datetime.fromtimestamp(chance.randrange(1_700_000_000, 1_900_000_000), zoneinfo.ZoneInfo(zone))
    moments = croniter.croniter(expression, start)
    times = [moments.get_next(datetime.datetime).astimezone(datetime.timezone.utc) for _ in range(3)]
    print(expression, zone, *(f"{t:%Y-%m-%dT%H:%M:%SZ}" for t in [start.astimezone(datetime.timezone.utc), *times]), sep="|")
