-- The people of a made-up world and what they did, in DuckDB's SQL. Blocks begin with `--: name`; {names} are filled in.
-- Everything hangs on u(person, salt), a number in [0, 1) that depends on the seed and nothing else. Times are seconds.

--: dice
CREATE MACRO u(i, salt) AS (hash(i, salt, {seed}) >> 11)::DOUBLE / 9007199254740992.0;
CREATE MACRO pick(list, x) AS list[1 + floor(x * len(list))::INT];
CREATE TABLE campaign AS
    SELECT c AS id, {end} - 725 * 86400 + (c - 1) * 720 * 86400 // greatest(1, {campaigns} - 1) + 36000 AS ts
    FROM range(1, {campaigns} + 1) AS t(c);

--: person
-- Most were here two years ago; their number grows with each id. `keen` is how much somebody likes to read, with a long
-- tail; from `lapses` on she hardly does. `mailbox` decides what loads her pictures.
CREATE TABLE person AS
WITH raw AS (
    SELECT i, CASE WHEN u(i, 1) < 0.96 THEN {end} - 730 * 86400 - (u(i, 2) * 1460 * 86400)::BIGINT
        ELSE {end} - 86400 - (u(i, 2) * 728 * 86400)::BIGINT END AS joined
    FROM range({people}) AS t(i)
), placed AS (SELECT *, row_number() OVER (ORDER BY joined, i) AS id FROM raw),
fated AS (
    SELECT id, joined, CASE WHEN u(id, 3) < 0.015 THEN {pending} WHEN u(id, 3) < 0.055 THEN {unsubscribed}
        WHEN u(id, 3) < 0.068 THEN {bounced} WHEN u(id, 3) < 0.070 THEN {complained} ELSE {active} END AS fate,
        1 + floor(u(id, 4) * {campaigns})::INT AS last_mail
    FROM placed
)
SELECT f.id, joined,
    -- Whom the mail that would have been her last did not find here yet stays.
    CASE WHEN fate NOT IN ({pending}, {active}) AND c.ts < joined + 86400 THEN {active} ELSE fate END AS status,
    CASE status WHEN {unsubscribed} THEN c.ts + 3600 + (pow(u(f.id, 5), 3) * 4 * 86400)::BIGINT
        WHEN {bounced} THEN c.ts + 900 WHEN {complained} THEN c.ts + 7200 END AS ended,
    CASE WHEN ended IS NOT NULL THEN last_mail END AS last_mail,
    CASE WHEN u(f.id, 6) < 0.92 THEN {personal} WHEN u(f.id, 6) < 0.97 THEN {aggregate} ELSE {none} END AS tracking,
    pick([{first_names}], u(f.id, 7)) AS first_name,
    pick([{last_names}], pow(u(f.id, 8), 1.5)) AS last_name,
    CASE WHEN u(f.id, 9) < 0.72 THEN 'DE' ELSE pick(['AT', 'CH', 'FR', 'NL', 'GB', 'US'], u(f.id, 10)) END AS country,
    CASE WHEN country IN ('DE', 'AT', 'CH') THEN 'de' ELSE 'en' END AS language,
    CASE WHEN u(f.id, 11) < 0.6 THEN 100 * (1 + floor(u(f.id, 12) * 12)) + 1 + floor(u(f.id, 13) * 28) END AS birthday,
    CASE WHEN birthday IS NOT NULL AND u(f.id, 14) < 0.7 THEN 1940 + floor(u(f.id, 15) * 68) END AS birth_year,
    pick(['gmail', 'gmail', 'apple', 'outlook', 'gmx', 'gmx', 'web', 'web', 'own', 'own'], u(f.id, 16)) AS mailbox,
    u(f.id, 17) < 0.015 AS is_scanned,
    pow(u(f.id, 18), 2) AS keen,
    CASE WHEN u(f.id, 19) < 0.45 THEN joined + (u(f.id, 20) * 1800 * 86400)::BIGINT ELSE {end} END AS lapses,
    u(f.id, 21) < 0.4 AS is_from_form
FROM fated f JOIN campaign c ON c.id = last_mail ORDER BY f.id;

--: bought
-- Two of five buy: most once or twice, few very often, while they have not lapsed.
CREATE TABLE bought AS
WITH buyer AS (
    SELECT id AS person, joined, least(lapses, {end}) - joined AS span,
        unnest(range(1 + least(40, floor(-2.4 * ln(1 - u(id, 30))))::INT)) AS n
    FROM person WHERE u(id, 31) < 0.4 AND status <> {pending} AND lapses > joined + 86400
), sold AS (
    SELECT person, joined + 3600 + (u(person, 3200 + n) * (span - 7200))::BIGINT AS ts,
        (800 - 3500 * ln(1 - u(person, 3300 + n)))::BIGINT AS worth, u(person, 3400 + n) < 0.01 AS is_refund,
        1 + floor(pow(u(person, 3500 + n), 3) * 4)::INT AS quantity,
        1 + floor(pow(u(person, 3600 + n), 2) * {products})::INT AS product
    FROM buyer
)
SELECT row_number() OVER (ORDER BY ts, person) AS id, person, ts, CASE WHEN is_refund THEN -worth ELSE worth END AS amount,
    quantity, product FROM sold;

--: hit_table
CREATE TABLE hit (campaign INT, person BIGINT, kind INT, ts BIGINT, link INT, verdict INT);
CREATE TABLE got (person BIGINT, ts BIGINT);

--: mail
-- One campaign: who was here and had not gone got it. `wish` is how probably she opens it.
CREATE OR REPLACE TABLE mail AS
SELECT p.id AS person, (row_number() OVER (ORDER BY p.id) - 1) // {shard_size} AS shard, c.ts + 60 + p.id * 1200 // {people} AS sent,
    CASE WHEN p.status = {bounced} AND p.last_mail = c.id THEN {is_bounced} WHEN u(p.id, 40 + c.id * 100) < 0.003
        THEN {is_failed} ELSE {is_sent} END AS state,
    least(0.95, keen * 1.7) * CASE WHEN c.ts < lapses THEN 1 ELSE 0.05 END AS wish,
    sent + 90 + (pow(u(p.id, 41 + c.id * 100), 4) * 8 * 86400)::BIGINT AS opened, mailbox, is_scanned, tracking = {personal} AS is_known
FROM person p, campaign c
WHERE c.id = {campaign} AND p.joined + 3600 < c.ts AND p.status <> {pending} AND (p.ended IS NULL OR p.ended > c.ts);
INSERT INTO got SELECT person, sent FROM mail WHERE state = {is_sent};

--: hits
-- Apple loads every picture before anybody reads; a scanner follows links at once; people open, some again, some click.
INSERT INTO hit
WITH reached AS (
    SELECT *, {campaign} * 100 AS salt, u(person, 42 + salt) < wish AS reads FROM mail WHERE state = {is_sent} AND is_known
), opens AS (
    SELECT person, {opened} AS kind, sent + 30 + (u(person, 43 + salt) * 3600)::BIGINT AS ts, NULL AS link, {prefetch} AS verdict
    FROM reached WHERE mailbox = 'apple' AND u(person, 44 + salt) < 0.85
    UNION ALL
    SELECT person, {opened}, opened + (k * pow(u(person, 45 + k + salt), 2) * 15 * 86400)::BIGINT, NULL,
        CASE mailbox WHEN 'gmail' THEN {proxy} WHEN 'outlook' THEN {unknown} ELSE {human} END
    FROM reached, range(3) AS t(k) WHERE mailbox <> 'apple' AND reads AND (k = 0 OR u(person, 50 + k + salt) < 0.25)
), clicks AS (
    SELECT person, {clicked} AS kind, sent + 3 + k * 2 AS ts, k AS link, {scanner} AS verdict
    FROM reached, range(5) AS t(k) WHERE is_scanned
    UNION ALL
    SELECT person, {clicked}, opened + 5 + (k * 60 + u(person, 60 + k + salt) * 600)::BIGINT,
        floor(pow(u(person, 65 + k + salt), 2) * {links})::INT, {human}
    FROM reached, range(3) AS t(k) WHERE reads AND NOT is_scanned AND u(person, 70 + k + salt) < [0.20, 0.09, 0.04][k + 1]
)
SELECT {campaign}, * FROM (FROM opens UNION ALL FROM clicks) WHERE ts < {end};

--: delivery
INSERT INTO world.delivery (campaign_id, subscriber_id, state, attempts, repeats, sent_at, opened_at, clicked_at,
    reason, reply)
WITH first AS (
    SELECT person, min(ts) FILTER (kind = {opened}) AS opened, min(ts) FILTER (kind = {clicked}) AS clicked
    FROM hit WHERE campaign = {campaign} AND verdict IN ({readers}) GROUP BY person
)
SELECT {campaign}, m.person, state, 1, 0, CASE state WHEN {is_sent} THEN sent END, f.opened, f.clicked,
    CASE state WHEN {is_bounced} THEN 'address' WHEN {is_failed} THEN 'expired' END,
    CASE state WHEN {is_bounced} THEN '550 5.1.1 no such user' WHEN {is_failed} THEN '451 4.4.1 no answer' END
FROM mail m LEFT JOIN first f ON f.person = m.person ORDER BY m.person;
INSERT INTO world.shard (campaign_id, number, first_id, last_id, epoch, is_done, size, touched_at, accepted, refused)
SELECT {campaign}, shard, min(person), max(person), 1, true, count(*), max(sent), count(*) FILTER (WHERE state = {is_sent}),
    count(*) FILTER (WHERE state = {is_bounced}) FROM mail GROUP BY shard ORDER BY shard;

--: happened
CREATE TABLE happened AS
WITH each AS (
    SELECT kind, person, ts, campaign, link, NULL::BIGINT AS value, verdict, NULL AS key, '{{"ruleset": 1}}' AS data FROM hit
    UNION ALL
    SELECT {purchased}, person, ts, NULL, NULL, amount, NULL, 'order:w' || id,
        '{{"quantity": ' || quantity || ', "product": ' || product || '}}' FROM bought
    UNION ALL
    SELECT CASE status WHEN {unsubscribed} THEN {left} WHEN {bounced} THEN {no_mailbox} ELSE {protested} END, id, ended,
        last_mail, NULL, NULL, NULL, NULL, NULL FROM person WHERE ended IS NOT NULL
    UNION ALL
    SELECT CASE WHEN is_from_form THEN {subscribed} ELSE {imported} END, id, joined, NULL, NULL, NULL, NULL, NULL, NULL
    FROM person
    UNION ALL
    SELECT {confirmed}, id, joined + 600, NULL, NULL, NULL, NULL, NULL, NULL FROM person
    WHERE is_from_form AND status <> {pending}
)
SELECT row_number() OVER (ORDER BY ts, person, kind) AS id, * FROM each;

--: people
INSERT INTO world.subscriber (id, email, address_key, address_hash, first_name, last_name, time_zone, attributes, source,
    token_epoch)
WITH named AS (
    SELECT *, lower(first_name) || '.' || lower(last_name) || id || '@' || mailbox || '.example' AS email FROM person
)
SELECT id, email, email, address_hash(email), first_name, last_name, 'Europe/Berlin',
    json_object('city', pick([{cities}], pow(u(id, 80), 2)), 'pets', floor(pow(u(id, 81), 3) * 6)::INT,
        'size', pick(['S', 'M', 'L', 'XL'], u(id, 82)), 'club', u(id, 83) < 0.2,
        'since', strftime(make_timestamp((joined * 1000000)::BIGINT), '%Y-%m-%d')),
    CASE WHEN is_from_form THEN 'form' ELSE 'import' END, 0 FROM named ORDER BY id;
INSERT INTO world.subscription (topic_id, subscriber_id, subscribed_at, ended_at)
SELECT 1, id, joined, ended FROM person ORDER BY id;
INSERT INTO world.subscription (topic_id, subscriber_id, subscribed_at, ended_at)
SELECT 2, id, joined + 86400, ended FROM person WHERE u(id, 84) < 0.4 AND joined + 86400 < {end} ORDER BY id;
INSERT INTO world.subscriber_tag (tag_id, subscriber_id)
SELECT tag, id FROM person, range(1, {tags} + 1) AS t(tag) WHERE u(id, 8500 + tag) < 0.5 / tag ORDER BY tag, id;

--: standing
INSERT INTO world.standing (subscriber_id, status, tracking, language, country, birthday, birth_year, created_at, confirmed_at,
    ended_at, sent, opens, clicks, last_sent_at, last_opened_at, last_clicked_at, orders, spent, first_order_at, last_order_at,
    score)
WITH sent AS (SELECT person, count(*) AS n, max(ts) AS last FROM got GROUP BY person),
did AS (
    SELECT person, count(*) FILTER (kind = {opened}) AS opens, max(ts) FILTER (kind = {opened}) AS last_open,
        count(*) FILTER (kind = {clicked}) AS clicks, max(ts) FILTER (kind = {clicked}) AS last_click
    FROM hit WHERE verdict IN ({readers}) GROUP BY person
), paid AS (
    SELECT person, count(*) FILTER (amount >= 0) AS orders, sum(amount)::BIGINT AS spent,
        min(ts) FILTER (amount >= 0) AS first_order, max(ts) FILTER (amount >= 0) AS last_order
    FROM bought GROUP BY person
)
SELECT id, status, tracking, language, country, birthday, birth_year, joined,
    CASE WHEN status <> {pending} THEN joined + 600 END, ended, coalesce(n, 0), coalesce(opens, 0), coalesce(clicks, 0), last,
    last_open, last_click, coalesce(orders, 0), coalesce(spent, 0), first_order, last_order, 0
FROM person LEFT JOIN sent ON sent.person = id LEFT JOIN did ON did.person = id LEFT JOIN paid ON paid.person = id
ORDER BY id;

--: facts
INSERT INTO world."order" (id, key, subscriber_id, ordered_at, amount, quantity, product_id)
SELECT id, 'w' || id, person, ts, amount, quantity, product FROM bought ORDER BY id;
INSERT INTO world.event (id, kind, subscriber_id, occurred_at, campaign_id, link, value, verdict, key, data)
SELECT id, kind, person, ts, campaign, link, value, verdict, key, data FROM happened ORDER BY id;
INSERT INTO world.hit_count (campaign_id, kind, position, verdict, hour, hits)
SELECT campaign, kind, coalesce(link, -1), verdict, ts - ts % 3600, count(*) FROM hit GROUP BY ALL ORDER BY ALL;
