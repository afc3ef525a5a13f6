import { describe, expect, test } from "@jest/globals";
import { Proxies } from "../../../src/transport/admit/proxies.ts";
import { LooseSocket, requestOf } from "../../support/gateways/node-requests.ts";

const proxies = new Proxies(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);

const from = (remoteAddress: string, forwarded?: string, trusting = proxies) =>
  trusting.clientOf(requestOf({ "x-forwarded-for": forwarded }, new LooseSocket(remoteAddress)));

describe("a client's address", () => {
  test.each([
    ["a client that writes the header itself", "203.0.113.9", "198.51.100.1", "203.0.113.9"],
    ["a proxy", "10.1.2.3", "198.51.100.1", "198.51.100.1"],
    ["a proxy, whose client wrote a header too", "10.1.2.3", "1.1.1.1, 198.51.100.1", "198.51.100.1"],
    ["a proxy behind a proxy", "10.1.2.3", "198.51.100.1, 192.0.2.7", "198.51.100.1"],
    ["proxies alone", "10.1.2.3", "10.9.9.9, 192.0.2.7", "10.9.9.9"],
    ["a proxy over a mapped address", "::ffff:10.1.2.3", "198.51.100.1", "198.51.100.1"],
    ["a proxy that names ports", "10.1.2.3", "198.51.100.1:4711", "198.51.100.1"],
    ["a proxy with an IPv6 client", "2001:db8::5", "[2001:beef::1]:4711", "2001:beef::1"],
    ["a proxy that writes in capitals", "10.1.2.3", "2001:BEEF:0:0::1", "2001:beef::1"],
    ["a proxy that maps IPv4 into IPv6", "10.1.2.3", "::ffff:cb00:7107", "203.0.113.7"],
    ["a proxy with a client on its own link", "10.1.2.3", "[fe80::1%eth0]:4711", "fe80::1"],
    ["a proxy over a mapped address in hex", "::ffff:a01:203", "198.51.100.1", "198.51.100.1"],
    ["a proxy behind one that is written in another form", "10.1.2.3", "198.51.100.1, 2001:DB8::7", "198.51.100.1"],
    ["a proxy that says nothing", "10.1.2.3", undefined, "10.1.2.3"],
    ["a proxy that says nonsense", "10.1.2.3", "unknown", "10.1.2.3"],
    ["a proxy that hides its client", "10.1.2.3", "198.51.100.1, _hidden", "10.1.2.3"],
  ])("behind %s", (_, address, forwarded, client) => {
    expect(from(address, forwarded)).toBe(client);
  });

  test("a proxy may be listed in any form", () => {
    for (const listed of ["::ffff:10.1.2.3", "::FFFF:a01:203", "::ffff:10.0.0.0/104"]) {
      expect(from("10.1.2.3", "198.51.100.1", new Proxies([listed]))).toBe("198.51.100.1");
    }
  });

  test("X-Forwarded-For is ignored when no proxy is listed", () => {
    expect(from("127.0.0.1", "198.51.100.1", new Proxies([]))).toBe("127.0.0.1");
  });
});
