#include "source/snapshot.h"

void
snapshot_close(Snapshot *snapshot)
{
    if (snapshot != NULL)
        snapshot->driver->close(snapshot);
}
