"""The catalogues in `playbooks/seeds`, made up: a clothing shop's products and a restaurant's menu.

`python -m toolkit.demo.catalogues` writes them anew. They follow from this file alone, the same on every machine.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import product
from pathlib import Path
from typing import Final, NamedTuple

from toolkit import shipped

FOLDER: Final = shipped.PLAYBOOKS / "seeds"
GARMENTS: Final = 1067
"""How many products the clothing catalogue has."""


class Garments(NamedTuple):
    """A category of a clothing shop: what begins its SKUs, its kinds, what they are made of, and prices."""

    name: str
    prefix: str
    emoji: str
    kinds: Sequence[str]
    materials: Sequence[str]
    price: float
    sizes: Sequence[str]


_LETTERS = ("S", "M", "L", "XL")
_WAISTS = ("28", "30", "32", "34", "36")
_SHOES = ("37", "38", "39", "40", "41", "42", "43")
_ONE = ("one size",)
_COLOURS = ("Black", "White", "Navy", "Grey", "Olive", "Sand", "Burgundy", "Sky Blue", "Rust", "Forest Green")
_CLOTHING = (
    Garments(
        "T-Shirts",
        "TSH",
        "👕",
        ("Crew Neck", "V-Neck", "Long Sleeve"),
        ("Cotton", "Slub", "Bamboo", "Pima"),
        12,
        _LETTERS,
    ),
    Garments(
        "Shirts",
        "SHI",
        "👔",
        ("Oxford", "Camp Collar", "Work"),
        ("Cotton", "Linen", "Flannel", "Chambray"),
        28,
        _LETTERS,
    ),
    Garments("Trousers", "TRO", "👖", ("Chino", "Cargo", "Pleated"), ("Twill", "Corduroy", "Linen"), 35, _WAISTS),
    Garments("Jeans", "JEA", "👖", ("Slim", "Straight", "Relaxed", "Bootcut"), ("Denim", "Stretch Denim"), 42, _WAISTS),
    Garments("Dresses", "DRE", "👗", ("Wrap", "Shirt", "Maxi", "Tea"), ("Cotton", "Viscose", "Linen"), 45, _LETTERS),
    Garments("Skirts", "SKI", "👗", ("Pencil", "A-Line", "Midi"), ("Twill", "Viscose", "Denim"), 30, _LETTERS),
    Garments(
        "Knitwear", "KNI", "🧶", ("Cardigan", "Pullover", "Vest"), ("Merino", "Lambswool", "Cotton"), 48, _LETTERS
    ),
    Garments("Jackets", "JAC", "🧥", ("Bomber", "Field", "Denim", "Rain"), ("Cotton", "Nylon", "Waxed"), 75, _LETTERS),
    Garments("Coats", "COA", "🧥", ("Duffle", "Trench", "Pea"), ("Wool", "Gabardine"), 120, _LETTERS),
    Garments(
        "Children",
        "CHI",
        "🧒",
        ("Play Shirt", "Shorts", "School Jumper"),
        ("Cotton", "Fleece", "Jersey"),
        14,
        ("104", "116", "128", "140"),
    ),
    Garments("Shoes", "SHO", "👟", ("Sneaker", "Loafer", "Boot", "Sandal"), ("Leather", "Canvas", "Suede"), 60, _SHOES),
    Garments("Accessories", "ACC", "🧣", ("Scarf", "Belt", "Cap", "Socks"), ("Cotton", "Wool", "Leather"), 10, _ONE),
)
_TIMES = {"mornings": 0.9, "every day": 1.0, "the cold season": 1.15, "work": 1.05, "evenings": 1.2}


class Dishes(NamedTuple):
    """A section of a menu: its dishes with their prices, minutes, and what those who may not eat it have to know."""

    name: str
    prefix: str
    emoji: str
    dishes: Mapping[str, tuple[float, int, str]]


_MENU = (
    Dishes(
        "Breakfast",
        "BRK",
        "🍳",
        {
            "Maize Porridge": (2.5, 10, ""),
            "Eggs on Toast": (4, 10, "egg,gluten"),
            "Full Breakfast": (8.5, 20, "egg,gluten"),
            "Fruit Salad": (4.5, 5, ""),
            "Yoghurt with Granola": (4.5, 5, "milk,nuts"),
            "Buttermilk Scones": (3.5, 5, "gluten,milk"),
        },
    ),
    Dishes(
        "Starters",
        "STA",
        "🥗",
        {
            "Garden Salad": (4, 8, ""),
            "Tomato Soup": (4.5, 10, "milk"),
            "Butternut Soup": (4.5, 10, "milk"),
            "Chicken Wings": (6.5, 18, ""),
            "Samoosas": (4, 12, "gluten"),
            "Grilled Halloumi": (6, 10, "milk"),
            "Peri-Peri Livers": (5.5, 12, ""),
        },
    ),
    Dishes(
        "From the Grill",
        "GRI",
        "🔥",
        {
            "T-Bone Steak 400 g": (16, 25, ""),
            "Rump Steak 300 g": (13.5, 22, ""),
            "Half Peri-Peri Chicken": (10.5, 30, ""),
            "Pork Ribs": (14, 35, ""),
            "Boerewors": (8.5, 20, "gluten"),
            "Lamb Chops": (15.5, 25, ""),
            "Grilled Tilapia": (12, 25, "fish"),
            "Halloumi Skewers": (9.5, 18, "milk"),
        },
    ),
    Dishes(
        "Mains",
        "MAI",
        "🍛",
        {
            "Beef Stew with Sadza": (7.5, 15, ""),
            "Chicken Curry": (8.5, 18, "milk"),
            "Oxtail": (12.5, 20, ""),
            "Goat Stew": (9, 20, ""),
            "Vegetable Curry": (7, 18, ""),
            "Fish and Chips": (9.5, 20, "fish,gluten"),
            "Beef Burger": (8, 18, "gluten,milk,egg"),
            "Bean Burger": (7, 18, "gluten"),
            "Spaghetti Bolognese": (8, 18, "gluten"),
            "Mushroom Pasta": (7.5, 18, "gluten,milk"),
        },
    ),
    Dishes(
        "Sides",
        "SID",
        "🍟",
        {
            "Sadza": (1.5, 5, ""),
            "Rice": (1.5, 5, ""),
            "Chips": (2.5, 10, ""),
            "Roast Potatoes": (3, 10, ""),
            "Coleslaw": (2, 3, "egg"),
            "Stewed Greens": (2, 5, ""),
            "Baked Beans": (1.5, 5, ""),
        },
    ),
    Dishes(
        "Desserts",
        "DES",
        "🍰",
        {
            "Malva Pudding": (4.5, 10, "gluten,milk,egg"),
            "Ice Cream": (3, 3, "milk"),
            "Apple Crumble": (4.5, 10, "gluten,milk"),
            "Chocolate Cake": (4.5, 5, "gluten,milk,egg"),
            "Fruit Platter": (4, 5, ""),
        },
    ),
    Dishes(
        "Drinks",
        "DRI",
        "🥤",
        {
            "Filter Coffee": (2, 5, ""),
            "Cappuccino": (2.8, 5, "milk"),
            "Rooibos Tea": (1.8, 5, ""),
            "Mazoe Orange": (1.5, 2, ""),
            "Ginger Beer": (2, 2, ""),
            "Sparkling Water": (1.5, 1, ""),
            "Fresh Lemonade": (2.5, 5, ""),
            "Lager": (2.5, 1, "gluten"),
            "House Red": (4, 1, ""),
            "House White": (4, 1, ""),
        },
    ),
)


def files() -> dict[str, str]:
    """Give every file of `playbooks/seeds` with its content."""
    return {
        "clothing-categories.csv": _csv(_categories((each.name, each.emoji) for each in _CLOTHING)),
        "clothing.csv": _csv(_garments()),
        "restaurant-categories.csv": _csv(_categories((each.name, each.emoji) for each in _MENU)),
        "restaurant.csv": _csv(_dishes()),
    }


def write(folder: Path) -> None:
    """Write them into a directory."""
    folder.mkdir(exist_ok=True)
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8", newline="")


def _categories(sections: Iterable[tuple[str, str]]) -> Iterator[dict[str, object]]:
    for number, (name, emoji) in enumerate(sections, start=1):
        yield {"name": name, "displayOrder": number, "emoji": emoji}


def _garments() -> Iterator[dict[str, object]]:
    every = [
        (category, *each)
        for category in _CLOTHING
        for each in product(category.kinds, category.materials, _COLOURS, ("Women", "Men"))
    ]
    # as many of every category as of all, chosen without a pattern that one would see
    chosen = set(sorted(range(len(every)), key=lambda number: _draw("chosen", number))[:GARMENTS])
    numbers: dict[str, int] = {}
    for number, (category, kind, material, colour, people) in enumerate(every):
        if number not in chosen:
            continue
        numbers[category.prefix] = numbers.get(category.prefix, 0) + 1
        who = "Tall" if people == "Men" and category.name in ("Dresses", "Skirts") else people
        name = f"{material} {kind} {_singular(category.name)}".rstrip() + f", {colour}, {who}"
        if category.name in ("Accessories", "Children"):
            name = f"{material} {kind}, {colour}, {'Girls' if people == 'Women' else 'Boys'}"
            name = name if category.name == "Children" else f"{material} {kind}, {colour}, {people}"
        occasion = list(_TIMES)[_draw("time", number) % len(_TIMES)]
        price = _price(category.price * _TIMES[occasion] * (0.8 + _draw("price", number) % 60 / 100))
        yield {
            "sku": f"{category.prefix}-{numbers[category.prefix]:04}",
            "name": name,
            "category": category.name,
            "description": f"For {occasion}, in {material.lower()}.",
            "basePrice": f"{price:.2f}",
            "costPrice": f"{price * (45 + _draw('cost', number) % 20) / 100:.2f}",
            "attributes": json.dumps({"colour": colour, "sizes": list(category.sizes)}),
        }


def _dishes() -> Iterator[dict[str, object]]:
    for section in _MENU:
        for number, (name, (price, minutes, allergens)) in enumerate(section.dishes.items(), start=1):
            yield {
                "sku": f"{section.prefix}-{number:02}",
                "name": name,
                "category": section.name,
                "basePrice": f"{price:.2f}",
                "costPrice": f"{price * (25 + _draw('cost', name) % 20) / 100:.2f}",
                "preparationTime": minutes,
                "calories": 60 + _draw("calories", name) % 80 * 10,
                "allergens": f"{{{allergens}}}",
            }


def _singular(name: str) -> str:
    return {"Trousers": "Trousers", "Jeans": "Jeans", "Knitwear": "Knit", "Dresses": "Dress", "Shoes": ""}.get(
        name, name.removesuffix("s")
    )


def _price(about: float) -> float:
    """A price as one sees them: whole or with .50 below 20, ending in .99 or .00 above."""
    return round(about * 2) / 2 if about < 20 else round(about) - (0.01 if round(about) % 3 else 0)


def _draw(*what: object) -> int:
    return int.from_bytes(blake2b(repr(what).encode(), digest_size=4).digest(), "big")


def _csv(rows: Iterator[dict[str, object]]) -> str:
    stream = io.StringIO()
    listed = list(rows)
    writer = csv.DictWriter(stream, listed[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    return stream.getvalue()


if __name__ == "__main__":
    write(FOLDER)
