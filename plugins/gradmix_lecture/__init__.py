"""The topics of the lecture on derivatives and Gaussian mixtures, as runs with pictures."""

from collections.abc import Mapping

import gradmix

SECTIONS: Mapping[str, Mapping[str, str]] = {
    "Automatic differentiation": {
        "divided_difference_error": "differences:DividedDifferenceError",
        "dual_numbers": "dual_numbers:DualNumbers",
        "two_components": "dual_numbers:TwoComponents",
        "program_and_dual_program": "program:ProgramAndDualProgram",
        "source_transformation": "source:SourceTransformation",
        "operator_overloading": "overloading:OperatorOverloading",
        "forward_and_reverse": "graph:ForwardAndReverse",
        "jacobian_cost": "jacobians:JacobianCost",
        "newton": "newton:Newton",
        "iterative_solver": "newton:IterativeSolver",
        "higher_derivatives": "orders:HigherDerivatives",
        "noisy_function": "rough:NoisyFunction",
        "discrete_function": "rough:DiscreteFunction",
        "symbolic": "symbolic:Symbolic",
        "applications": "applications:Applications",
        "software": "software:SoftwareTable",
    },
    "Gaussian mixtures": {
        "hard_assignments": "groups:HardAssignments",
        "generative_story": "groups:GenerativeStory",
        "single_gaussian_and_mixture": "densities:SingleGaussianAndMixture",
        "mixture_density": "densities:MixtureDensity",
        "covariance_types": "densities:CovarianceTypes",
        "supervised": "groups:Supervised",
        "means_only": "means:MeansOnly",
        "lower_bound": "means:LowerBound",
        "local_optima": "optima:LocalOptima",
        "em_and_gradient_ascent": "optima:EMAndGradientAscent",
        "em_iterations": "em:EMIterations",
        "em_on_old_faithful": "em:EMOnOldFaithful",
        "kmeans_as_hard_em": "groups:KMeansAsHardEM",
        "scikit_learn": "scikit:ScikitLearn",
    },
}
"""Heading in the gallery → topic → module and class, in the lecture's order."""

TOPICS: Mapping[str, str] = {
    name: f"gradmix_lecture.topics.{place}" for topics in SECTIONS.values() for name, place in topics.items()
}
"""Topic → import path of its class."""


@gradmix.hookimpl
def gradmix_kinds() -> gradmix.Kinds:
    """Add the kind of component ``topic``."""
    return ["gradmix_lecture.topic:Topic"]


@gradmix.hookimpl
def gradmix_components() -> gradmix.Components:
    """Offer the task that shows a topic, and the topics."""
    return {"task": {"lecture": "gradmix_lecture.lecture:Lecture"}, "topic": TOPICS}
