"""The words that made-up facts are made of, and the syllables of those that nobody has heard of."""

# fmt: off
KINDS = (
    "dent", "scratch", "crack", "rust", "chip", "stain", "hole", "tear", "burn", "bruise",
    "blister", "split", "leak", "mark", "spot", "patch", "streak", "smear", "speck", "notch",
    "groove", "ridge", "bump", "bulge", "warp", "bend", "kink", "fold", "crease", "wrinkle",
    "gap", "joint", "seam", "bolt", "screw", "nail", "hinge", "handle", "lamp", "mirror",
    "wheel", "tyre", "bumper", "door", "panel", "hood", "roof", "window", "leaf", "stem",
    "root", "bud", "fruit", "flower", "aphid", "beetle", "mite", "weevil", "larva", "moth",
    "blight", "mildew", "mould", "canker", "gall", "scab", "wilt", "rot", "mosaic", "lesion",
    "mole", "wart", "nevus", "rash", "scar", "plaque", "nodule", "papule", "bottle", "box",
    "jar", "bag", "shoe", "boot", "shirt", "coat", "hat", "glove", "scarf", "chair", "table",
    "desk", "shelf", "sofa", "cushion", "cup", "plate", "bowl", "fork", "knife", "spoon",
    "kettle", "toaster", "camera", "phone", "cable", "plug", "socket", "tile", "brick",
    "plank", "beam", "pipe", "valve", "pump", "filter", "gauge", "meter", "switch", "fuse",
    "ladder", "rope", "chain", "hook", "bucket", "brush", "broom", "paint", "chip", "glass",
    "weld", "corrosion", "pitting", "fracture", "abrasion", "deformation", "delamination",
    "discolouration", "contamination",
)
"""What can be found on a thing."""
GRADES = (
    "minor", "moderate", "severe", "slight", "heavy", "light", "deep", "shallow", "early",
    "late", "fresh", "old", "small", "large", "fine", "coarse", "mild", "strong", "faint",
    "bad", "worn", "open", "closed", "local", "spread", "advanced", "superficial", "critical",
    "medium",
)
"""How bad it is."""
SUBJECTS = (
    "vehicle", "plant", "product", "skin", "photo", "leaf", "house", "roof", "road", "bridge",
    "ship", "boat", "engine", "machine", "fence", "wall", "floor", "parcel", "pallet", "shelf",
    "tree", "animal", "horse", "tooth", "coin", "stamp", "painting", "bicycle", "truck",
)
"""What it is found on."""
CURRENCIES = (
    "EUR", "USD", "GBP", "CHF", "JPY", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "CAD", "AUD",
    "NZD", "INR", "CNY", "KRW", "BRL", "ZAR", "MXN",
)
"""By ISO 4217."""
ONSETS = (
    "b", "bl", "br", "c", "ch", "cl", "cr", "d", "dr", "f", "fl", "fr", "g", "gl", "gr", "h",
    "j", "k", "kl", "kr", "l", "m", "n", "p", "pl", "pr", "qu", "r", "s", "sc", "sh", "sk",
    "sl", "sm", "sn", "sp", "st", "str", "sw", "t", "th", "tr", "v", "w", "wr", "y", "z",
)
"""A syllable's beginnings."""
VOWELS = (
    "a", "e", "i", "o", "u", "ai", "ea", "ee", "ie", "oa", "oo", "ou", "ö", "é", "ü",
)
"""Its middles; the plain ones first."""
CODAS = (
    "b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "x", "ck", "ll", "nd", "nt",
    "rk", "rn", "st", "th", "",
)
"""A word's ends; none is one, too."""
# fmt: on
