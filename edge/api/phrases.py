"""What the device says to people with names and numbers in it, as gettext's catalogues have it.

A page finds what it is to say by these and says it in its own language; the JSON stays English.
A test holds them against what is really said.
"""

from __future__ import annotations

PHRASES = (
    # Why a case needs a person, `edge.steps.decide`
    "nothing looked at the photo, since the model {models} is not installed",
    "the {attribute} of '{label}' may be '{first}' or '{second}'",
    "the {attribute} of '{label}' may be '{first}' or '{second}' ({count} times)",
    "the {attribute} of '{label}' can't be told",
    "the {attribute} of '{label}' can't be told ({count} times)",
    "the {attribute} may be '{first}' or '{second}'",
    "the {attribute} can't be told",
    "nothing was found for certain, the best guess is '{label}' with {confidence}, "
    "too little to be shown",
    "the confidence of '{label}', {confidence}, is below the threshold {threshold}",
    "the confidence of '{label}', {confidence}, is below the threshold {threshold} "
    "({below} of {shown} are below it)",
    "a person always looks at '{label}'",
    "the price table has no row that fits '{label}'",
    # What the updater does, `edge.updates.status`
    "Fetching {version}: {percent} %",
    "Trying {version} on {photos} photos so far",
    "{version} serves on probation",
    # What was refused, `edge.errors` and those who raise it
    "There is no profile '{profile}'.",
    "The body is larger than {megabytes} MB.",
    "The body did not arrive within {seconds} s.",
    "{photos} photos are waiting already.",
    "The camera is down: {reason}.",
    "Locked after {tries} wrong codes. Open it again.",
    "This token does not allow it: it lacks the scope '{scope}'.",
    "Something went wrong on the device (incident {incident}).",
    "The disk is full; nothing was stored. {left}",
    "This case has {number} entries of feedback already.",
    "missing: {fields}",
    "'{field}' takes {expected}.",
    "'{field}' takes at most {number}.",
    "{slow} (was so since the start)",
)
"""Each a msgid; {…} stands for what differs."""

TEXTS = (
    "the photo shows something that the model was never trained on",
    "nothing the model knows was found",
    "severity",
    "finding",
    "class",
    "There is no such case.",
    "This case is deleted.",
    "Restore it first.",
    "This token is not known here.",
    "This needs a token.",
    "Ask whoever runs the device.",
    "Ask whoever runs the device for another token.",
    "Too many requests.",
    "Wait a second and try again.",
    "Try again in a few seconds.",
    "Try again in a moment.",
    "This photo is not usable.",
    "There is no photo.",
    "Fill it in and send it again.",
    "Nothing was changed.",
    "Choose another name, or mark what was missed.",
    "Draw it once more.",
    "Send it again, whole.",
    "Take another photo, or save this one anew with another program.",
    "No pairing window is open.",
    "This is not the code.",
    "Look at it once more, and mind its age.",
    "This photo is not on the device any more.",
    "Send a smaller photo, or send it again where the network is better.",
    "Send a smaller photo, or raise http.max_body_mb.",
    "This is not a picture that can be read.",
    "detector",
    "classifier",
    "photos",
    "thumbnails",
    "cases",
    "waiting",
    "set aside",
    "models",
    "backups",
    "database",
    "the voltage is too low",
    "the frequency is capped",
    "it is throttled",
    "it is too hot",
    "Not Found.",
    "/docs lists every address.",
    "The device's log has the details under that id.",
)
"""The same without anything that differs, where the code that says it knows no gettext."""
