"""All models that quantizers are known to break on, by what they test."""
import body_models  # noqa: F401
import layer_models  # noqa: F401
import opset_models  # noqa: F401
import structure_models  # noqa: F401
import value_models  # noqa: F401
from model_builder import MODELS  # noqa: F401
