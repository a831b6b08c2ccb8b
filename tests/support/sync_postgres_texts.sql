-- The tables of a copy in PostgreSQL as older versions made them: times are texts.

CREATE TABLE calendly_sync_marks (
    uri VARCHAR(512) NOT NULL,
    mark VARCHAR(32) NOT NULL,
    PRIMARY KEY (uri)
);

CREATE TABLE calendly_sync_questions (
    stream VARCHAR(64) NOT NULL,
    column_name VARCHAR(63) NOT NULL,
    question TEXT NOT NULL,
    PRIMARY KEY (stream, column_name)
);

CREATE TABLE calendly_sync_reads (
    uri VARCHAR(512) NOT NULL,
    read_at VARCHAR(32) NOT NULL,
    PRIMARY KEY (uri)
);

CREATE TABLE calendly_sync_state (
    key VARCHAR(64) NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (key)
);

CREATE TABLE contacts (
    uri VARCHAR(512) NOT NULL,
    name TEXT,
    emails JSON,
    phone_numbers JSON,
    timezone TEXT,
    job_title TEXT,
    company TEXT,
    country TEXT,
    state TEXT,
    city TEXT,
    linkedin TEXT,
    custom_fields JSON,
    created_at TEXT,
    updated_at TEXT,
    first_email_date TEXT,
    last_email_date TEXT,
    next_meeting_date TEXT,
    last_meeting_date TEXT,
    last_interaction_date TEXT,
    other JSON,
    synced_at VARCHAR(32) NOT NULL,
    missing_since VARCHAR(32),
    PRIMARY KEY (uri)
);

CREATE TABLE event_types (
    uri VARCHAR(512) NOT NULL,
    name TEXT,
    active BOOLEAN,
    admin_managed BOOLEAN,
    booking_method TEXT,
    color TEXT,
    created_at TEXT,
    updated_at TEXT,
    deleted_at TEXT,
    description_html TEXT,
    description_plain TEXT,
    duration BIGINT,
    duration_options JSON,
    internal_note TEXT,
    is_paid BOOLEAN,
    kind TEXT,
    locale TEXT,
    locations JSON,
    pooling_type TEXT,
    position BIGINT,
    profile JSON,
    scheduling_url TEXT,
    secret BOOLEAN,
    slug TEXT,
    type TEXT,
    custom_questions JSON,
    start_time_increment BIGINT,
    before_buffer BIGINT,
    after_buffer BIGINT,
    other JSON,
    synced_at VARCHAR(32) NOT NULL,
    missing_since VARCHAR(32),
    PRIMARY KEY (uri)
);

CREATE TABLE invitees (
    uri VARCHAR(512) NOT NULL,
    email TEXT,
    first_name TEXT,
    last_name TEXT,
    name TEXT,
    status TEXT,
    questions_and_answers JSON,
    timezone TEXT,
    event VARCHAR(512),
    created_at TEXT,
    updated_at TEXT,
    tracking JSON,
    text_reminder_number TEXT,
    rescheduled BOOLEAN,
    old_invitee TEXT,
    new_invitee TEXT,
    cancel_url TEXT,
    reschedule_url TEXT,
    routing_form_submission TEXT,
    cancellation JSON,
    payment JSON,
    no_show JSON,
    reconfirmation JSON,
    scheduling_method TEXT,
    invitee_scheduled_by TEXT,
    other JSON,
    synced_at VARCHAR(32) NOT NULL,
    missing_since VARCHAR(32),
    PRIMARY KEY (uri)
);

CREATE INDEX ix_invitees_event ON invitees (event);

CREATE TABLE meeting_recaps (
    uri VARCHAR(512) NOT NULL,
    event TEXT,
    status TEXT,
    name TEXT,
    location JSON,
    start_time TEXT,
    end_time TEXT,
    created_at TEXT,
    updated_at TEXT,
    attendees JSON,
    summary_md TEXT,
    action_items_md TEXT,
    discussion_md TEXT,
    transcript TEXT,
    share_link TEXT,
    other JSON,
    synced_at VARCHAR(32) NOT NULL,
    missing_since VARCHAR(32),
    PRIMARY KEY (uri)
);

CREATE TABLE no_shows (
    uri VARCHAR(512) NOT NULL,
    created_at TEXT,
    invitee TEXT,
    event VARCHAR(512),
    other JSON,
    synced_at VARCHAR(32) NOT NULL,
    missing_since VARCHAR(32),
    PRIMARY KEY (uri)
);

CREATE INDEX ix_no_shows_event ON no_shows (event);

CREATE TABLE organization_memberships (
    uri VARCHAR(512) NOT NULL,
    role TEXT,
    "user" JSON,
    organization TEXT,
    created_at TEXT,
    updated_at TEXT,
    other JSON,
    synced_at VARCHAR(32) NOT NULL,
    missing_since VARCHAR(32),
    PRIMARY KEY (uri)
);

CREATE TABLE routing_form_submissions (
    uri VARCHAR(512) NOT NULL,
    routing_form VARCHAR(512),
    questions_and_answers JSON,
    tracking JSON,
    result JSON,
    submitter TEXT,
    submitter_type TEXT,
    created_at TEXT,
    updated_at TEXT,
    other JSON,
    synced_at VARCHAR(32) NOT NULL,
    missing_since VARCHAR(32),
    PRIMARY KEY (uri)
);

CREATE INDEX ix_routing_form_submissions_routing_form ON routing_form_submissions (routing_form);

CREATE TABLE routing_forms (
    uri VARCHAR(512) NOT NULL,
    organization TEXT,
    name TEXT,
    status TEXT,
    questions JSON,
    created_at TEXT,
    updated_at TEXT,
    other JSON,
    synced_at VARCHAR(32) NOT NULL,
    missing_since VARCHAR(32),
    PRIMARY KEY (uri)
);

CREATE TABLE scheduled_events (
    uri VARCHAR(512) NOT NULL,
    name TEXT,
    meeting_notes_plain TEXT,
    meeting_notes_html TEXT,
    status TEXT,
    start_time VARCHAR(512),
    end_time TEXT,
    event_type TEXT,
    location JSON,
    invitees_counter JSON,
    created_at TEXT,
    updated_at TEXT,
    event_memberships JSON,
    event_guests JSON,
    cancellation JSON,
    calendar_event JSON,
    other JSON,
    synced_at VARCHAR(32) NOT NULL,
    missing_since VARCHAR(32),
    PRIMARY KEY (uri)
);

CREATE INDEX ix_scheduled_events_start_time ON scheduled_events (start_time);

CREATE TABLE users (
    uri VARCHAR(512) NOT NULL,
    name TEXT,
    slug TEXT,
    email TEXT,
    scheduling_url TEXT,
    timezone TEXT,
    avatar_url TEXT,
    locale TEXT,
    created_at TEXT,
    updated_at TEXT,
    other JSON,
    synced_at VARCHAR(32) NOT NULL,
    missing_since VARCHAR(32),
    PRIMARY KEY (uri)
);
