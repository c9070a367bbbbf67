"""The networks in training, as Flax modules, and how to freeze them into functions of plain weights."""

from ._conditional import ConditionalNetwork as ConditionalNetwork
from ._dcgan import DcganNetwork as DcganNetwork
from ._dcgan import fold_dcgan as fold_dcgan
from ._discriminator import DiscriminatorNetwork as DiscriminatorNetwork
from ._discriminator import crisp as crisp
from ._discriminator import freeze as freeze
from ._discriminator import packed as packed
from ._discriminator import pooled as pooled
from ._generator import GeneratorNetwork as GeneratorNetwork
from ._generator import fold as fold
