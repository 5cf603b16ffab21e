#include "pki/pairing.h"

/* To be read out on a bad line: no two begin with the same four letters. The order is part of the protocol. */
const char *const pki_words[256] = {
	"acorn", "album", "amber", "ankle", "apple", "arena", "armor", "arrow", "atlas", "attic", "autumn", "award", "bacon",
	"bagel", "baker", "bamboo", "banjo", "barrel", "basin", "basket", "beach", "beaver", "bell", "bishop", "blanket", "blossom",
	"bonnet", "border", "bottle", "boulder", "bracket", "branch", "bread", "breeze", "bridge", "bronze", "bucket", "bugle",
	"bundle", "butter", "cabin", "cactus", "camel", "candle", "canoe", "canvas", "captain", "carbon", "carpet", "carrot",
	"castle", "cattle", "cedar", "cellar", "chapel", "cherry", "chess", "chimney", "cinema", "circle", "citrus", "clarinet",
	"clay", "clover", "coast", "cobalt", "cocoa", "comet", "compass", "copper", "coral", "cotton", "cradle", "crayon",
	"cricket", "crystal", "curtain", "dagger", "dairy", "daisy", "dancer", "desert", "diamond", "dinner", "dolphin", "donkey",
	"dragon", "drawer", "eagle", "easel", "echo", "elbow", "elephant", "emerald", "engine", "envelope", "fabric", "falcon",
	"farmer", "feather", "fender", "fiddle", "finger", "flame", "flannel", "forest", "fossil", "fountain", "galaxy", "garage",
	"garden", "garlic", "ginger", "giraffe", "glacier", "goblet", "granite", "gravel", "guitar", "hammer", "hamster", "harbor",
	"harvest", "hazel", "helmet", "hermit", "hockey", "honey", "horizon", "hotel", "hunter", "igloo", "insect", "island",
	"ivory", "jacket", "jaguar", "jasmine", "jelly", "jewel", "jigsaw", "journal", "jungle", "juniper", "kayak", "kennel",
	"kettle", "kitten", "koala", "ladder", "lagoon", "lantern", "laptop", "leather", "lemon", "lettuce", "library", "lilac",
	"lizard", "lobster", "locket", "lumber", "magnet", "mammoth", "mango", "maple", "marble", "market", "meadow", "melon",
	"mercury", "mirror", "mitten", "monkey", "mosaic", "mountain", "muffin", "museum", "napkin", "needle", "nickel", "noodle",
	"novel", "nutmeg", "oasis", "ocean", "octopus", "olive", "onion", "opera", "orange", "orchid", "otter", "oyster", "paddle",
	"palace", "panda", "panther", "paper", "parrot", "pebble", "pelican", "pencil", "pepper", "piano", "pickle", "pigeon",
	"pillow", "pirate", "planet", "pocket", "potato", "prairie", "puppet", "pyramid", "quartz", "quilt", "rabbit", "raccoon",
	"radish", "ribbon", "river", "robin", "rocket", "saddle", "salmon", "sandal", "saturn", "scarf", "shadow", "shovel",
	"silver", "spider", "spoon", "squash", "stable", "statue", "sunset", "tablet", "teapot", "thunder", "tiger", "timber",
	"tomato", "tunnel", "turtle", "umbrella", "valley", "velvet", "violin", "walnut", "whistle", "window", "winter", "yogurt",
	"zebra",
};
