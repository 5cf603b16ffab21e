-- For wrk: posts a body in which "number0000" stands for a person, each time for the next ones, and holds the length of each answer against
-- what it must be. BODY: file; PEOPLE: how many there are; BOXES: how many each request asks about; LOGIN: value of Authorization; LENGTH.
local file = assert(io.open(os.getenv("BODY"), "rb"))
local body = file:read("*a")
file:close()
local people, boxes, length = tonumber(os.getenv("PEOPLE")), tonumber(os.getenv("BOXES")), tonumber(os.getenv("LENGTH"))
local requests, turn = {}, 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "text/xml; charset=utf-8"
wrk.headers["SOAPAction"] = '"http://schemas.microsoft.com/exchange/services/2006/messages/GetUserAvailability"'
wrk.headers["User-Agent"] = "ASProxy/CrossForest/EmailDomain//15.01.2507.006"
wrk.headers["Authorization"] = os.getenv("LOGIN")
wrong = 0

function setup(t)
	thread = t
end

function init(args)
	for i = 0, people - 1 do
		local n = i - 1
		-- Each person's number stands twice, as name and in the address.
		local twice = 1
		local text = body:gsub("number0000", function()
			twice = 1 - twice
			if twice == 0 then n = n + 1 end
			return string.format("number%04d", n % people)
		end)
		requests[i] = wrk.format(nil, "/EWS/Exchange.asmx", nil, text)
	end
end

function request()
	turn = (turn + boxes) % people
	return requests[turn]
end

function response(status, headers, text)
	if status ~= 200 or #text ~= length then wrong = wrong + 1 end
end

function done(summary, latency, all)
	local e = summary.errors
	io.write(string.format("RESULT %d %d %.1f %d\n", summary.requests, summary.duration, latency:percentile(50),
		e.connect + e.read + e.write + e.status + thread:get("wrong")))
end
