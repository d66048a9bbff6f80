"""Which generated subjects are used for what: the table `[data.synthetic]`. Nothing here needs torch."""

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveFloat, PositiveInt


class SyntheticSubjects(BaseModel):
    """A subject is named by its seed of the generator; each part takes so many in a row."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    train_first_seed: NonNegativeInt
    train_subjects: PositiveInt
    validation_first_seed: NonNegativeInt
    validation_subjects: PositiveInt
    test_first_seed: NonNegativeInt
    test_subjects: PositiveInt
    seconds_per_subject: PositiveFloat

    @property
    def train_seeds(self) -> range:
        """Seeds of the training subjects."""
        return range(self.train_first_seed, self.train_first_seed + self.train_subjects)

    @property
    def validation_seeds(self) -> range:
        """Seeds of the subjects that training settings may be compared on."""
        return range(self.validation_first_seed, self.validation_first_seed + self.validation_subjects)

    @property
    def test_seeds(self) -> range:
        """Seeds of the subjects that only the reported error is measured on."""
        return range(self.test_first_seed, self.test_first_seed + self.test_subjects)
