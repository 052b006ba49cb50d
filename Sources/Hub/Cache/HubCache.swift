internal import Files

/// One repository in the cache, in the layout that Python's `huggingface_hub` has.
///
/// `blobs/<etag>` holds the contents, `snapshots/<commit>/<path>` links to them, `refs/<revision>` holds the commit of
/// a branch or tag, `.no_exist/<commit>/<path>` marks files that a commit does not have, `trees/<commit>.json` lists all
/// files of a commit, and `.locks` beside the repositories holds the locks.
struct HubCache: Sendable {
    let root: String
    let kind: HubRepositoryKind
    let name: HubName
    let disablesLinks: Bool

    /// `models--owner--name` or `datasets--owner--name`.
    var folderName: String {
        ([kind.folderPrefix] + [name.owner, name.name].compactMap { $0 }).joined(separator: "--")
    }
    /// The folder of the repository.
    var storage: String { root + "/" + folderName }

    func snapshot(_ commit: String) -> String { "\(storage)/snapshots/\(commit)" }
    func pointer(_ path: String, _ commit: String) -> String { snapshot(commit) + "/" + path }
    func blob(_ etag: String) -> String { "\(storage)/blobs/\(etag)" }
    func lock(_ etag: String) -> String { "\(root)/.locks/\(folderName)/\(etag).lock" }
    private func absence(_ path: String, _ commit: String) -> String {
        "\(storage)/.no_exist/\(commit)/\(path)"
    }
    private func tree(_ commit: String) -> String { "\(storage)/trees/\(commit).json" }

    /// Whether the cache has the content of `path` at `commit`.
    func has(_ path: String, _ commit: String) -> Bool {
        System.fileSize(pointer(path, commit)) != nil
    }

    /// The commit that `revision` had when it was last asked for; `nil` where the cache has none.
    func commit(of revision: String) -> String? {
        if isCommitHash(revision) {
            let isKnown =
                FileBytes.isFolder(snapshot(revision)) || FileBytes.exists(tree(revision))
            return isKnown ? revision : nil
        }
        let path = "\(storage)/refs/\(revision)"
        guard let size = System.fileSize(path), size <= 100,
            let text = try? FileBytes.readText(path)
        else { return nil }
        let word = String(decoding: text.utf8.filter { $0 > 0x20 }, as: UTF8.self)
        return isCommitHash(word) ? word : nil
    }

    /// The files of `commit` that the cache has, sorted.
    func files(in commit: String) throws(HubError) -> [String] {
        var found: [String] = []
        var folders = [""]
        while let folder = folders.popLast() {
            let place = snapshot(commit) + (folder.isEmpty ? "" : "/" + folder)
            let names = try withFiles { () throws(FileError) in try FileBytes.names(in: place) }
            for name in names {
                let path = folder.isEmpty ? name : folder + "/" + name
                if System.fileSize(place + "/" + name) != nil {
                    found.append(path)
                } else if FileBytes.isFolder(place + "/" + name), path.utf8.count <= 1024 {
                    folders.append(path)
                }
            }
        }
        return found.sorted()
    }

    /// Whether the hub said that `commit` has no file `path`.
    func isAbsent(_ path: String, _ commit: String) -> Bool {
        FileBytes.exists(absence(path, commit))
    }

    /// Notes that `commit` has no file `path`.
    func markAbsent(_ path: String, _ commit: String) throws(HubError) {
        let place = absence(path, commit)
        if FileBytes.exists(place) { return }
        try withFiles { () throws(FileError) in
            try FileBytes.makeFolder(FileBytes.parent(of: place) ?? storage)
            try FileWriter(path: place).close()
        }
    }

    /// Notes that `revision` is `commit`.
    func setCommit(_ commit: String, of revision: String) throws(HubError) {
        if revision == commit || self.commit(of: revision) == commit { return }
        let path = "\(storage)/refs/\(revision)"
        try replace(path, with: commit)
    }

    /// Writes the small file at `path` so that a reader sees the old or the new content.
    private func replace(_ path: String, with text: String) throws(HubError) {
        let temporary = "\(path).\(System.uniqueSuffix()).tmp"
        do throws(FileError) {
            try FileBytes.makeFolder(FileBytes.parent(of: path) ?? storage)
            let file = try FileWriter(path: temporary)
            try file.write(Array(text.utf8))
            try file.close()
            try System.move(temporary, to: path)
        } catch {
            try? FileBytes.remove(temporary)
            throw HubError(error)
        }
    }

    /// Makes the folder of the cache and says to backup programs that it is one.
    func prepare() throws(HubError) {
        try withFiles { () throws(FileError) in
            try FileBytes.makeFolder(storage + "/blobs")
            try FileBytes.makeFolder("\(root)/.locks/\(folderName)")
        }
        let tag = root + "/CACHEDIR.TAG"
        guard !FileBytes.exists(tag) else { return }
        let text =
            "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of the Hugging Face hub. See https://bford.info/cachedir/\n"
        // Only a courtesy: the cache works without.
        try? replace(tag, with: text)
    }

    /// Lets `snapshots/<commit>/<path>` lead to the blob of `etag`.
    ///
    /// Where the file system knows no links the blob itself moves there.
    func link(_ path: String, _ commit: String, to etag: String) throws(HubError) {
        let place = pointer(path, commit)
        if System.fileSize(place) != nil { return }
        let depth = path.utf8.count { $0 == UInt8(ascii: "/") }
        let target = String(repeating: "../", count: depth + 2) + "blobs/\(etag)"
        let temporary = "\(place).\(System.uniqueSuffix()).tmp"
        do throws(FileError) {
            try FileBytes.makeFolder(FileBytes.parent(of: place) ?? storage)
            if disablesLinks {
                try System.move(blob(etag), to: place)
            } else if try System.link(temporary, to: target) {
                try System.move(temporary, to: place)
            } else {
                try System.move(blob(etag), to: place)
            }
        } catch {
            try? FileBytes.remove(temporary)
            throw HubError(error)
        }
    }

    /// All files of `commit` as a listing of the hub told them, by this program or Python; `nil` where none was kept.
    func listing(of commit: String) -> RepositoryListing? {
        guard let size = System.fileSize(tree(commit)), size <= 64 << 20,
            let json = try? JSON(contentsOf: tree(commit)), json["format_version"]?.int == 1,
            let members = json["files"]?.members
        else { return nil }
        var listing = RepositoryListing(commit: commit, files: [])
        for (path, entry) in members {
            guard RepositoryPath.verdict(path) == .fine else { continue }
            listing.files.append(
                RepositoryFile(
                    path: path, size: entry["lfs_size"]?.int ?? entry["size"]?.int,
                    blob: entry["blob_id"]?.string, sha256: entry["lfs_sha256"]?.string))
        }
        return listing
    }

    /// Keeps `listing` as Python does, where it is whole: every file with its size and blob.
    func keep(_ listing: RepositoryListing) throws(HubError) {
        if FileBytes.exists(tree(listing.commit)) || listing.files.isEmpty
            || !listing.unusable.isEmpty
        {
            return
        }
        var files: [(key: String, value: JSON)] = []
        for file in listing.files.sorted(by: { $0.path < $1.path }) {
            guard let size = file.size, let blob = file.blob else { return }
            var entry: JSON = ["size": .int(size), "blob_id": .string(blob)]
            if let sha256 = file.sha256 {
                entry.set("lfs_sha256", .string(sha256))
                entry.set("lfs_size", .int(size))
            }
            files.append((file.path, entry))
        }
        let json: JSON = ["format_version": 1, "files": .object(files)]
        try replace(tree(listing.commit), with: json.text(indent: 1))
    }
}
