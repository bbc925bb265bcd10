"""Real services for the integration tests."""

from tests.integration.clickhouse_fixtures import *  # noqa: F403 - pytest finds fixtures by their names here
from tests.integration.kafka_fixtures import *  # noqa: F403 - likewise
from tests.integration.postgres_fixtures import *  # noqa: F403 - likewise
