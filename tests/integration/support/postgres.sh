# Runs a Postgres server for as long as somebody holds this shell's standard input: at its
# end, which comes however the holder ends, the server stops and its folder goes.
# Takes the port as $1, whether to sync (on or off) as $2 and the password from the environment; prints `ready`, once it is. A line
# `fast` or `immediate` restarts it by that mode of stopping; it prints `ready` again.
set -eu
trap '' INT TERM HUP

folder=$(mktemp -d)
stop() {
    pg_ctl --pgdata "$folder/data" --mode immediate --wait stop >/dev/null 2>&1 </dev/null || true
    rm -rf "$folder"
}
trap stop EXIT

printf '%s' "$PGPASSWORD" >"$folder/password"
# </dev/null: standard input is the holder's, and nobody else may have it.
initdb --pgdata "$folder/data" --username floodgauge --pwfile "$folder/password" \
    --auth scram-sha-256 --encoding UTF8 --no-locale --no-sync >"$folder/log" 2>&1 </dev/null ||
    { cat "$folder/log" >&2; exit 1; }
cat >>"$folder/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $1
unix_socket_directories = ''
max_connections = 500
fsync = $2
min_wal_size = 1GB
CONF
start() {
    pg_ctl --pgdata "$folder/data" --log "$folder/log" --wait start >/dev/null 2>&1 </dev/null ||
        { cat "$folder/log" >&2; exit 1; }
    echo ready
}

start
while read -r mode; do
    pg_ctl --pgdata "$folder/data" --mode "$mode" --wait stop >/dev/null 2>&1 </dev/null
    start
done
