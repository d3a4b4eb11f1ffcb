"""The project's own interaction table: CSV with a header, JSON lines, or Parquet.

For every platform without an adapter: name its columns as the contract does, for example
`learner,item,timestamp,verb,score` / `ana,osmosis,2024-03-01T09:00:00+01:00,answered,.5`.
"""

from __future__ import annotations

from platform_adapters.catalogues.table import read_catalogue
from platform_adapters.engines.interaction_table import prepare, records, split
from platform_adapters.format import Format, Sign

FORMAT = Format(
    name="table",
    summary="the interaction table itself (CSV, JSON lines, Parquet; .gz but for Parquet)",
    tried_on="the output of the other adapters",
    split=split,
    prepare=prepare,
    records=records,
    read_catalogue=read_catalogue,
    signs=(
        Sign("the project's interaction table", {"learner", "item"}),
        Sign("the project's catalogue table", {"item", "title"}, role="catalogue"),
    ),
    example="Ana answered *osmosis* half right.",
)
