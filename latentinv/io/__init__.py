"""Reading what users write: tables of numbers, and settings in TOML."""

from ._missing import missing_cells as missing_cells
from ._recipe_rules import FLAG as FLAG
from ._recipe_rules import LABELS as LABELS
from ._recipe_rules import NUMBER as NUMBER
from ._recipe_rules import SEED as SEED
from ._recipe_rules import TABLE as TABLE
from ._recipe_rules import Rule as Rule
from ._recipe_rules import checked as checked
from ._recipe_rules import entry as entry
from ._recipe_rules import number as number
from ._recipe_rules import one_of as one_of
from ._recipe_rules import read_recipe_file as read_recipe_file
from ._recipe_rules import rules_of as rules_of
from ._recipe_rules import several as several
from ._recipe_rules import tables_of as tables_of
from ._recipe_rules import whole as whole
from ._recipe_rules import words as words
from ._tables import Table as Table
from ._tables import Words as Words
from ._tables import read_table as read_table
from ._tables import read_unit as read_unit
from ._tables import table_header as table_header
from ._tables import unused_columns as unused_columns
