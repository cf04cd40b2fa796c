"""The queue's tables and statements on SQLite, one for each of procrastinate's named queries that we use."""

from __future__ import annotations

TABLES = """
create table if not exists queue_job(
  id integer primary key autoincrement,
  queue_name text not null,
  task_name text not null,
  priority integer not null default 0,
  lock text,
  queueing_lock text,
  args text not null,
  status text not null default 'todo',
  scheduled_at real,
  attempts integer not null default 0,
  abort_requested integer not null default 0,
  worker_id integer,
  ended_at real);
create unique index if not exists queue_job_queueing_lock on queue_job(queueing_lock) where status = 'todo';
create unique index if not exists queue_job_lock_doing on queue_job(lock) where status = 'doing';
create index if not exists queue_job_todo on queue_job(priority desc, id) where status = 'todo';
create index if not exists queue_job_lock_todo on queue_job(lock, priority desc, id) where status = 'todo';
create index if not exists queue_job_doing on queue_job(worker_id) where status = 'doing';
create table if not exists queue_worker(
  id integer primary key autoincrement,
  beat real not null,
  pid integer not null,
  process text not null);
create table if not exists queue_periodic(
  task_name text not null,
  periodic_id text not null,
  at integer not null,
  primary key(task_name, periodic_id, at));
"""

ANY_DUE = """
select exists(select 1 from queue_job where status = 'todo'
  and (:queues is null or queue_name in (select value from json_each(:queues)))
  and (scheduled_at is null or scheduled_at <= :now))
"""

# A job waits for the running one and for the earlier ones of its lock, so a lock keeps its order.
FETCH = """
update queue_job set status = 'doing', worker_id = :worker where id = (
  select j.id from queue_job j
  where j.status = 'todo'
    and (:queues is null or j.queue_name in (select value from json_each(:queues)))
    and (j.scheduled_at is null or j.scheduled_at <= :now)
    and (j.lock is null or (
      not exists(select 1 from queue_job o where o.lock = j.lock and o.status = 'doing')
      and not exists(select 1 from queue_job o where o.lock = j.lock and o.status = 'todo'
        and (o.priority > j.priority or (o.priority = j.priority and o.id < j.id)))))
  order by j.priority desc, j.id limit 1)
returning *
"""

INSERT_JOB = """
insert into queue_job(queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
values (?, ?, ?, ?, ?, ?, ?)
"""

DELETE_JOB = "delete from queue_job where id = :job_id and status in ('todo', 'doing') returning lock"

END_JOB = """
update queue_job set status = :status, attempts = attempts + 1, abort_requested = 0, ended_at = :now
where id = :job_id and status in ('todo', 'doing') returning lock
"""

LOCK_HAS_MORE = "select exists(select 1 from queue_job where lock = ? and status = 'todo')"

RETRY_JOB = """
update queue_job set status = 'todo', attempts = attempts + 1, scheduled_at = :retry_at, worker_id = null,
  priority = coalesce(:new_priority, priority), queue_name = coalesce(:new_queue_name, queue_name),
  lock = coalesce(:new_lock, lock)
where id = :job_id and status in ('doing', 'failed')
"""

CANCEL_JOB = """
update queue_job set status = case status when 'todo' then 'cancelled' else status end,
  abort_requested = case status when 'doing' then 1 else 0 end
where id = :job_id and (status = 'todo' or (:abort and status = 'doing')) returning id
"""

DELETE_WAITING_JOB = "delete from queue_job where id = ? and status = 'todo' returning id"

STALLED = """
select * from queue_job where status = 'doing'
  and (:queue is null or queue_name = :queue) and (:task_name is null or task_name = :task_name)
  and (worker_id is null or worker_id not in (select value from json_each(:alive)))
"""

TAKE_BACK = """
update queue_job set status = 'todo', attempts = attempts + 1, scheduled_at = null, worker_id = null
where status = 'doing' and (worker_id is null or worker_id not in (select value from json_each(:alive)))
"""

DELETE_OLD = """
delete from queue_job where status in (select value from json_each(:statuses))
  and ended_at < :before and (:queue is null or queue_name = :queue)
"""

LIST_JOBS = """
select * from queue_job where (:id is null or id = :id) and (:queue_name is null or queue_name = :queue_name)
  and (:task_name is null or task_name = :task_name) and (:status is null or status = :status)
  and (:lock is null or lock = :lock) and (:queueing_lock is null or queueing_lock = :queueing_lock)
  and (:worker_id is null or worker_id = :worker_id) order by id
"""

TO_ABORT = """
select id from queue_job where status = 'doing' and abort_requested
  and (:queue_name is null or queue_name = :queue_name)
"""

BEAT = """
insert into queue_worker(id, beat, pid, process) values (:worker_id, :now, :pid, :process)
on conflict(id) do update set beat = excluded.beat
"""
