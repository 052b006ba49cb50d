import Testing

@testable import Uniem

@Suite("What the process may use")
struct ProcessMemoryTests {
    private func memory(_ files: [String: String], machine: Int = 8 << 30) -> ProcessMemory {
        ProcessMemory(machine: machine) { files[$0] }
    }

    private let free =
        "MemTotal:       16384 kB\nMemFree:  1 kB\nMemAvailable:    8192 kB\nCached: 3 kB\n"
    private let second = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"

    @Test("free memory of the machine, and what the process has")
    func machine() {
        let memory = memory([
            "/proc/meminfo": free,
            "/proc/self/status": "Name:\tuniem\nVmRSS:\t    2048 kB\nVmSize:\t   4096 kB\n",
        ])
        #expect(memory.available == 8 << 20 && memory.resident == 2 << 20)
        #expect(memory.limit == "on this machine")
        let unknown = self.memory([:])
        #expect(unknown.available == 6 << 30 && unknown.resident == nil)
    }

    @Test("version 2: the smallest limit of the group and all above it")
    func secondVersion() {
        var files = [
            "/proc/meminfo": free, "/proc/self/cgroup": "0::/a/b\n", "/proc/self/mountinfo": second,
            "/sys/fs/cgroup/a/b/memory.max": "max\n",
            "/sys/fs/cgroup/a/b/memory.current": "900000\n",
            "/sys/fs/cgroup/a/memory.max": "4000000\n",
            "/sys/fs/cgroup/a/memory.current": "1500000\n",
            "/sys/fs/cgroup/a/memory.stat": "anon 1\nfile 2\ninactive_file 500000\nactive_file 7\n",
        ]
        #expect(memory(files).available == 3_000_000)
        #expect(memory(files).limit == "in control group /a")
        files["/sys/fs/cgroup/a/b/memory.max"] = "2000000\n"
        #expect(memory(files).available == 1_100_000)
        files["/sys/fs/cgroup/a/b/memory.high"] = "1000000\n"
        #expect(memory(files).available == 100_000)
        files["/sys/fs/cgroup/a/b/memory.current"] = "3000000\n"
        #expect(memory(files).available == 0)
    }

    @Test("version 2 in a container: the group is the root of what is mounted")
    func container() {
        let files = [
            "/proc/meminfo": free, "/sys/fs/cgroup/memory.max": "3000000",
            "/sys/fs/cgroup/memory.current": "1000000",
        ]
        for (group, mount) in [
            ("0::/\n", second), ("0::/docker/x\n", second.replacing(" / ", with: " /docker/x ")),
            ("0::/../other\n", second),
        ] {
            let all = files.merging(
                ["/proc/self/cgroup": group, "/proc/self/mountinfo": mount]) { $1 }
            #expect(memory(all).available == 2_000_000)
        }
    }

    @Test("version 1: limits of groups that cannot be seen are in the statistics")
    func firstVersion() {
        var files = [
            "/proc/meminfo": free, "/proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/x/y\n0::/x\n",
            "/proc/self/mountinfo":
                "31 24 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
                + "33 24 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
            "/sys/fs/cgroup/memory/x/y/memory.limit_in_bytes": "9223372036854771712\n",
            "/sys/fs/cgroup/memory/x/y/memory.usage_in_bytes": "2000000\n",
        ]
        #expect(memory(files).available == 8 << 20)
        files["/sys/fs/cgroup/memory/x/y/memory.stat"] =
            "cache 5\nhierarchical_memory_limit 5000000\ntotal_inactive_file 1000000\n"
        #expect(memory(files).available == 4_000_000)
        files["/sys/fs/cgroup/memory/x/memory.limit_in_bytes"] = "3000000\n"
        files["/sys/fs/cgroup/memory/x/memory.usage_in_bytes"] = "2500000\n"
        #expect(memory(files).available == 500_000)
        #expect(memory(files).limit == "in control group /x")
    }

    @Test("limits of the process")
    func processLimits() {
        var files = [
            "/proc/meminfo": free,
            "/proc/self/status": "VmSize:\t 2048 kB\nVmData:\t 1024 kB\n",
            "/proc/self/limits": """
            Limit                     Soft Limit           Hard Limit           Units
            Max cpu time              unlimited            unlimited            seconds
            Max data size             unlimited            unlimited            bytes
            Max address space         4194304              unlimited            bytes
            """,
        ]
        #expect(memory(files).available == 2 << 20)
        #expect(memory(files).limit.contains("ulimit -v"))
        files["/proc/self/limits"] = "Max data size   1572864  unlimited  bytes\n"
        #expect(memory(files).available == 1 << 19)
    }

    @Test(
        "files that hold something else do no harm",
        arguments: [
            "", "\n\n", "max", "-5 kB", "a:b:c\nx y z - cgroup2 b c", "99999999999999999999 kB",
        ])
    func odd(_ text: String) {
        let odd = ProcessMemory(machine: 1 << 30) { _ in text }
        #expect(odd.available >= 0)
    }

    @Test("this process has something, and may take more")
    func now() throws {
        let memory = ProcessMemory.now
        #expect(memory.available > 1 << 20)
        #if os(Linux)
            #expect(try #require(memory.resident) > 1 << 20)
        #endif
    }
}
