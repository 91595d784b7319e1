-- Thirty rules as marketers type them, each above the best SQL that we would write by hand for the same people: the
-- condition of SELECT count(*) FROM standing s WHERE s.status = 1 AND (…). It knows the tables, the codes and what the
-- counts on `standing` allow; a JOIN may come before it. Where it is not clear which form is fastest, there are several (--or), and the fastest counts.
-- {d30} is the beginning of the day 30 days ago, in seconds; bench/segments.py fills in what stands in braces.

--: everybody: everybody
true
--: country: country in (DE, AT)
s.country IN ('DE', 'AT')
--: not a country: country != DE and language is German
(s.country <> 'DE' OR s.country IS NULL) AND s.language = 'de'
--: birthday: birthday is in the next 7 days
s.birthday BETWEEN {today} AND {next7}
--: last click: last click in 30 days
s.last_clicked_at >= {d30} AND s.last_clicked_at < {tomorrow}
--: sleeping: sent >= 5 and last open was not in the last 90 days and last click was not in the last 90 days
s.sent >= 5 AND (s.last_opened_at IS NULL OR s.last_opened_at < {d90} OR s.last_opened_at >= {tomorrow})
AND (s.last_clicked_at IS NULL OR s.last_clicked_at < {d90} OR s.last_clicked_at >= {tomorrow})
--: number of clicks: clicks >= 3
s.clicks >= 3
--: clicked lately: clicked in 30 days
s.last_clicked_at >= {d30}
--: clicked three times lately: clicked >= 3 in 90 days
s.clicks >= 3 AND s.last_clicked_at >= {d90} AND (SELECT count(*) FROM event e WHERE e.subscriber_id = s.subscriber_id
AND e.kind = 21 AND e.verdict IN (0, 1) AND e.occurred_at >= {d90}) >= 3
--or
s.clicks >= 3 AND s.last_clicked_at >= {d90} AND EXISTS (SELECT 1 FROM event e WHERE e.subscriber_id = s.subscriber_id
AND e.kind = 21 AND e.verdict IN (0, 1) AND e.occurred_at >= {d90} LIMIT 1 OFFSET 2)
--or
s.subscriber_id IN (SELECT e.subscriber_id FROM event e WHERE e.kind = 21 AND e.verdict IN (0, 1)
AND e.occurred_at >= {d90} GROUP BY e.subscriber_id HAVING count(*) >= 3)
--: opened between dates: opened >= 2 between {iso400} and {iso200}
s.opens >= 2 AND s.last_opened_at >= {d400} AND (SELECT count(*) FROM event e WHERE e.subscriber_id = s.subscriber_id
AND e.kind = 20 AND e.verdict IN (0, 1) AND e.occurred_at >= {d400} AND e.occurred_at < {d199}) >= 2
--or
s.opens >= 2 AND s.last_opened_at >= {d400} AND EXISTS (SELECT 1 FROM event e WHERE e.subscriber_id = s.subscriber_id
AND e.kind = 20 AND e.verdict IN (0, 1) AND e.occurred_at >= {d400} AND e.occurred_at < {d199} LIMIT 1 OFFSET 1)
--or
s.subscriber_id IN (SELECT e.subscriber_id FROM event e WHERE e.kind = 20 AND e.verdict IN (0, 1)
AND e.occurred_at >= {d400} AND e.occurred_at < {d199} GROUP BY e.subscriber_id HAVING count(*) >= 2)
--: clicked in a campaign: clicked in campaign 3
s.clicks >= 1 AND EXISTS (SELECT 1 FROM event e WHERE e.subscriber_id = s.subscriber_id AND e.kind = 21
AND e.verdict IN (0, 1) AND e.campaign_id = 3)
--or
s.subscriber_id IN (SELECT subscriber_id FROM delivery WHERE campaign_id = 3 AND clicked_at IS NOT NULL)
--: opened, but did not click: opened in campaign 3 and not (clicked in campaign 3)
s.subscriber_id IN (SELECT subscriber_id FROM delivery WHERE campaign_id = 3 AND opened_at IS NOT NULL
AND clicked_at IS NULL)
--or
s.opens >= 1 AND EXISTS (SELECT 1 FROM event e WHERE e.subscriber_id = s.subscriber_id AND e.kind = 20
AND e.verdict IN (0, 1) AND e.campaign_id = 3) AND NOT EXISTS (SELECT 1 FROM event e
WHERE e.subscriber_id = s.subscriber_id AND e.kind = 21 AND e.verdict IN (0, 1) AND e.campaign_id = 3)
--: clicked a link: clicked link /2/1
s.clicks >= 1 AND EXISTS (SELECT 1 FROM event e JOIN link l ON l.campaign_id = e.campaign_id AND l.position = e.link
WHERE e.subscriber_id = s.subscriber_id AND e.kind = 21 AND e.verdict IN (0, 1) AND l.target LIKE '%/2/1%')
--or
s.subscriber_id IN (SELECT e.subscriber_id FROM link l JOIN delivery d ON d.campaign_id = l.campaign_id
JOIN event e ON e.subscriber_id = d.subscriber_id AND e.kind = 21 AND e.campaign_id = l.campaign_id
AND e.link = l.position AND e.verdict IN (0, 1) WHERE l.target LIKE '%/2/1%' AND d.clicked_at IS NOT NULL)
--or
s.subscriber_id IN (SELECT d.subscriber_id FROM delivery d JOIN event e ON e.subscriber_id = d.subscriber_id
AND e.kind = 21 AND e.verdict IN (0, 1) AND e.campaign_id = d.campaign_id WHERE d.clicked_at IS NOT NULL
AND d.campaign_id IN (SELECT campaign_id FROM link WHERE target LIKE '%/2/1%')
AND (e.campaign_id, e.link) IN (SELECT campaign_id, position FROM link WHERE target LIKE '%/2/1%'))
--: left unopened: left mail unopened >= 3 in 180 days
s.sent >= 3 AND s.last_sent_at >= {d180} AND (SELECT count(*) FROM delivery d WHERE d.subscriber_id = s.subscriber_id
AND d.state = 2 AND d.sent_at >= {d180} AND d.opened_at IS NULL AND d.clicked_at IS NULL) >= 3
--or
s.subscriber_id IN (SELECT who FROM (SELECT subscriber_id + 0 AS who FROM delivery WHERE state = 2 AND sent_at >= {d180}
AND opened_at IS NULL AND clicked_at IS NULL AND campaign_id IN (SELECT id FROM campaign WHERE finished_at IS NULL
OR finished_at >= {d180})) d GROUP BY who HAVING count(*) >= 3)
--: never mailed: never was mailed
s.sent = 0
--: mailed in a campaign: was mailed in campaign 3
s.subscriber_id IN (SELECT subscriber_id FROM delivery WHERE campaign_id = 3 AND state = 2)
--: bought twice: orders >= 2
s.orders >= 2
--: spent: amount spent > 100
s.spent > 10000
--: spent lately: spent in a time >= 50 in 90 days
s.subscriber_id IN (SELECT subscriber_id FROM "order" WHERE ordered_at >= {d90} GROUP BY subscriber_id
HAVING sum(amount) >= 5000)
--: average order: average_order > 30
s.orders > 0 AND s.spent > 3000 * s.orders
--: bought a product: bought product #“P001”
s.subscriber_id IN (SELECT subscriber_id FROM "order" WHERE amount >= 0
AND product_id = (SELECT id FROM product WHERE key = 'P001'))
--or
s.orders >= 1 AND EXISTS (SELECT 1 FROM "order" o WHERE o.subscriber_id = s.subscriber_id AND o.amount >= 0
AND o.product_id = (SELECT id FROM product WHERE key = 'P001'))
--: a tag: tag:press
s.subscriber_id IN (SELECT t.subscriber_id FROM subscriber_tag t JOIN tag ON tag.id = t.tag_id WHERE tag.name = 'press')
--: a topic: topic:offers
s.subscriber_id IN (SELECT b.subscriber_id FROM subscription b JOIN topic ON topic.id = b.topic_id
WHERE topic.key = 'offers' AND b.ended_at IS NULL)
--: a tier held: tier without a break: {tier} for at least 10 days
s.tier_id = {tier_id} AND s.tier_since < {d9}
--: another segment: segment:“Engaged” and not segment:“Big spenders”
(s.last_opened_at >= {d30} AND s.last_opened_at < {tomorrow} OR s.last_clicked_at >= {d30}
AND s.last_clicked_at < {tomorrow}) AND s.spent < 20000
--: long in a segment: segment without a break: “Germany” for at least 30 days
s.subscriber_id IN (SELECT subscriber_id FROM membership WHERE segment_id = {germany} AND left_at = {lasts}
AND joined_at < {d29})
--: a sample: sample 10 % seed 7
{sample}
--: a provider: mailbox provider is GMX
s.provider = 5
--: a custom field: custom.pets >= 3
(SELECT {pets} >= 3 FROM subscriber p WHERE p.id = s.subscriber_id)
--or
s.subscriber_id IN (SELECT p.id FROM subscriber p WHERE {pets} >= 3)
--or
JOIN subscriber p ON p.id = s.subscriber_id
{pets} >= 3
--: many at once: country is Germany and (clicks >= 2 or amount spent >= 50) and not tag:press and last mail in 180 days and (birthday is known or orders >= 1)
s.country = 'DE' AND (s.clicks >= 2 OR s.spent >= 5000) AND s.subscriber_id NOT IN (SELECT t.subscriber_id
FROM subscriber_tag t JOIN tag ON tag.id = t.tag_id WHERE tag.name = 'press') AND s.last_sent_at >= {d180}
AND s.last_sent_at < {tomorrow} AND (s.birthday IS NOT NULL OR s.orders >= 1)
