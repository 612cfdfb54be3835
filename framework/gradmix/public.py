"""The public names, which `gradmix` has as its own as soon as one of them is used."""

from gradmix.adapters.estimator import SklearnClusterer, from_sklearn
from gradmix.adapters.primitives import from_jvp, from_vjp
from gradmix.config.build import clusterer, differentiator
from gradmix.config.inputs import input_of
from gradmix.config.models import read_model, write_model
from gradmix.contracts.centers import Centers
from gradmix.contracts.clusterer import AIC, BIC, Clusterer, Model
from gradmix.contracts.component import Component
from gradmix.contracts.dataset import Data, Dataset
from gradmix.contracts.differentiator import Differentiator, Function
from gradmix.contracts.errors import (
    ConfigError,
    DataError,
    DifferentiationError,
    GradmixError,
    NotFittedError,
    NumericalError,
    PluginError,
    StorageError,
    UnknownNameError,
)
from gradmix.contracts.events import Events, StopRun
from gradmix.contracts.files import regular_file
from gradmix.contracts.hooks import Components, Kinds, hookimpl
from gradmix.contracts.iteration import INERTIA, LOG_LIKELIHOOD, Iteration, Objective
from gradmix.contracts.meaning import Meaning
from gradmix.contracts.metric import Metric
from gradmix.contracts.options import (
    Bounds,
    Freedom,
    GroupCount,
    KeyOf,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    RunsCode,
    Seed,
    SendsTo,
    part,
)
from gradmix.contracts.palette import group_color
from gradmix.contracts.preparation import Preparation
from gradmix.contracts.problem import Operator, Problem
from gradmix.contracts.role import Role
from gradmix.contracts.run import RunInfo
from gradmix.contracts.task import FinishedRun, Input, Result, Steps, Task, Timed, Writer

__all__ = [
    "AIC",
    "BIC",
    "INERTIA",
    "LOG_LIKELIHOOD",
    "Bounds",
    "Centers",
    "Clusterer",
    "Component",
    "Components",
    "ConfigError",
    "Data",
    "DataError",
    "Dataset",
    "DifferentiationError",
    "Differentiator",
    "Events",
    "FinishedRun",
    "Freedom",
    "Function",
    "GradmixError",
    "GroupCount",
    "Input",
    "Iteration",
    "KeyOf",
    "Kinds",
    "Meaning",
    "Metric",
    "Model",
    "NonNegativeFloat",
    "NonNegativeInt",
    "NotFittedError",
    "NumericalError",
    "Objective",
    "Operator",
    "PluginError",
    "PositiveFloat",
    "PositiveInt",
    "Preparation",
    "Problem",
    "Result",
    "Role",
    "RunInfo",
    "RunsCode",
    "Seed",
    "SendsTo",
    "SklearnClusterer",
    "Steps",
    "StopRun",
    "StorageError",
    "Task",
    "Timed",
    "UnknownNameError",
    "Writer",
    "clusterer",
    "differentiator",
    "from_jvp",
    "from_sklearn",
    "from_vjp",
    "group_color",
    "hookimpl",
    "input_of",
    "part",
    "read_model",
    "regular_file",
    "write_model",
]
