"""What tests of tracking share."""

from gradmix.tracking.ingest import sync


def brought(runs_dir, tracking, **options):
    """How many journals `sync` brought in, and what it could not."""
    tally = sync(runs_dir, tracking, **options)
    return len(tally.brought), tally.errors


def reconnect():
    """Close MLflow's connections, as the end of a process does; a file that was replaced is opened anew."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    for engine in SqlAlchemyStore._engine_map.values():
        engine.dispose()
