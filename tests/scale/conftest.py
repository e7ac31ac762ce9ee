import pytest

from processes import Processes, Upstream


@pytest.fixture
def processes(tmp_path):
    started = Processes(tmp_path)
    yield started
    started.stop()


@pytest.fixture
def upstream(processes):
    return Upstream(processes)
