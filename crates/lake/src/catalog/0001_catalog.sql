CREATE TABLE lake_workspace (
    workspace {int} NOT NULL PRIMARY KEY,
    seq {int} NOT NULL,
    flushed {int} NOT NULL,
    revision {int} NOT NULL,
    granularity TEXT NOT NULL,
    bucket_bits {int} NOT NULL
) {strict};

CREATE TABLE lake_file (
    id TEXT NOT NULL PRIMARY KEY,
    workspace {int} NOT NULL,
    granularity TEXT NOT NULL,
    first_day {int} NOT NULL,
    bucket_bits {int} NOT NULL,
    bucket {int} NOT NULL,
    min_at {int} NOT NULL,
    max_at {int} NOT NULL,
    min_person {int} NOT NULL,
    max_person {int} NOT NULL,
    row_count {int} NOT NULL,
    byte_count {int} NOT NULL,
    column_count {int} NOT NULL,
    present {json} NOT NULL,
    revision {int} NOT NULL,
    names {json} NOT NULL,
    added_seq {int} NOT NULL,
    removed_seq {int}
) {strict};
CREATE INDEX lake_file_workspace ON lake_file (workspace);

CREATE TABLE lake_commit (
    workspace {int} NOT NULL,
    seq {int} NOT NULL,
    kind TEXT NOT NULL,
    log_position {int} NOT NULL,
    committed_at {int} NOT NULL,
    PRIMARY KEY (workspace, seq)
) {clustered};

CREATE TABLE lake_column (
    workspace {int} NOT NULL,
    column_rank {int} NOT NULL,
    path TEXT NOT NULL,
    value_type TEXT NOT NULL,
    PRIMARY KEY (workspace, column_rank)
) {clustered};

CREATE TABLE lake_property (
    workspace {int} NOT NULL,
    path TEXT NOT NULL,
    value_type TEXT NOT NULL,
    row_count {int} NOT NULL,
    asked {int} NOT NULL,
    PRIMARY KEY (workspace, path, value_type)
) {clustered};

CREATE TABLE lake_move (
    workspace {int} NOT NULL,
    handle {int} NOT NULL,
    from_person {int} NOT NULL,
    to_person {int},
    revision {int} NOT NULL,
    PRIMARY KEY (workspace, handle, from_person)
) {clustered};

CREATE TABLE lake_dead (
    workspace {int} NOT NULL,
    event_id {bytes} NOT NULL,
    revision {int} NOT NULL,
    log_position {int} NOT NULL,
    PRIMARY KEY (workspace, event_id)
) {clustered};
