-- Settles what one node used of limits that all nodes share, and leases it what it
-- may use next. It may be run again with the same arguments.
--
-- KEYS  the nodes, and then the holders of limits
-- ARGV  the node, and 18 for each holder: the life that the node knows; rates, used, told
--       and known of three buckets; most and held of two gauges; whether it leaves
--
-- A holder is a hash: life; at, in microseconds; l1 to l3 what is left of the buckets
-- beyond what is leased, r1 to r3 their rates; and n:NODE what a node reported last:
-- when, used of three, leased of three, held of two, leased of two.

local MINUTE, DEAD = 60e6, 5e6
local time = redis.call('TIME')
local now = time[1] * 1e6 + time[2]
local node = ARGV[1]
local born = node .. ':' .. string.format('%.0f', now) -- a name for records that begin now

redis.call('ZADD', KEYS[1], now, node)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - DEAD)
redis.call('PEXPIRE', KEYS[1], 60000)

local function read(key)
  local record, flat = {}, redis.call('HGETALL', key)
  for i = 1, #flat, 2 do record[flat[i]] = flat[i + 1] end
  return record
end

-- others sums what the other nodes lease and hold, and forgets the dead.
local function others(key, record, mine)
  local sum = { mates = 1, leased = { 0, 0, 0 }, held = { 0, 0 } }
  for field, value in pairs(record) do
    if string.sub(field, 1, 2) == 'n:' and field ~= mine then
      local it = cmsgpack.unpack(value)
      if now - it[1] > DEAD then
        redis.call('HDEL', key, field)
      else
        sum.mates = sum.mates + 1
        for r = 1, 3 do sum.leased[r] = sum.leased[r] + it[4 + r] end
        for g = 1, 2 do sum.held[g] = sum.held[g] + math.max(it[7 + g], it[9 + g]) end
      end
    end
  end
  return sum
end

-- filled is what a bucket has by now, with leased of it in the hands of nodes.
local function filled(record, r, rate, leased)
  local level, before = tonumber(record['l' .. r]), tonumber(record['r' .. r])
  if not level or before == 0 then return rate - leased end
  local full = math.max(before - leased, level)
  level = math.min(level + before * math.max(0, now - tonumber(record.at)) / MINUTE, full)
  return math.min(level, rate) -- which may have changed
end

local function settle(key, first)
  local function arg(i) return tonumber(ARGV[first + i]) end
  local knows, leaves = ARGV[first], ARGV[first + 17] == '1'
  local record, mine = read(key), 'n:' .. node
  local forgotten = not record.life
  local life = record.life or born
  local own = record[mine] and cmsgpack.unpack(record[mine])
  local sum = others(key, record, mine)
  local kept = { now, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
  local reply, changes, deepest = { life }, { 'life', life, 'at', now }, 0
  for r = 1, 3 do
    local rate, used, told, known = arg(r), arg(3 + r), arg(6 + r), arg(9 + r)
    local grant, left = 0, 0
    if rate > 0 then
      local level
      if forgotten and knows ~= '' then
        level = math.min(known, rate) -- as the first to come back has it
      else
        level = filled(record, r, rate, sum.leased[r] + (own and own[4 + r] or 0))
        if own then
          level = level + own[4 + r] - (used - own[1 + r])
        elseif knows == '' or knows == life then
          level = level - (used - told)
        end -- else it used what was forgotten, and what filled in the node
      end
      if level > 0 and not leaves then grant = level / sum.mates end
      left = level + sum.leased[r]
      level = level - grant
      deepest = math.max(deepest, -level / rate)
      changes[#changes + 1] = 'l' .. r
      changes[#changes + 1] = level
    end
    changes[#changes + 1] = 'r' .. r
    changes[#changes + 1] = rate
    kept[1 + r], kept[4 + r] = used, grant
    reply[1 + r], reply[4 + r] = string.format('%.17g', grant), string.format('%.17g', left)
  end
  for g = 1, 2 do
    local most, held = arg(12 + g), arg(14 + g)
    local free = most - sum.held[g] - held
    local grant = leaves and 0 or held + math.max(0, math.ceil(free / sum.mates))
    if most == 0 then grant = 0 end
    kept[7 + g], kept[9 + g] = held, grant
    reply[7 + g] = string.format('%.0f', grant)
  end
  if leaves then
    redis.call('HDEL', key, mine)
  else
    changes[#changes + 1] = mine
    changes[#changes + 1] = cmsgpack.pack(kept)
  end
  redis.call('HSET', key, unpack(changes))
  redis.call('PEXPIRE', key, math.floor((2 + deepest) * 60000)) -- by then it is full
  return reply
end

local replies = { redis.call('ZCARD', KEYS[1]) }
for i = 2, #KEYS do replies[i] = settle(KEYS[i], 2 + (i - 2) * 18) end
return replies
