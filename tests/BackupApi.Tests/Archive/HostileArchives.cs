using System.Globalization;
using BackupApi.Model;
using BackupApi.Tests.Support;

namespace BackupApi.Tests.Archive;

/// <summary>An archive made to do harm, in one of the containers, and what must be said of it.</summary>
/// <param name="Name">Of the file, with the ending of its container; no two are alike.</param>
/// <param name="Class">What kind of harm; the same harm in several disguises is one class.</param>
/// <param name="Says">A part of the message that belongs to its class alone.</param>
/// <param name="Entry">The entry that the message must name; empty where no single one is to blame.</param>
internal sealed record HostileArchive(string Name, string Class, Fault Fault, string Says, string Entry)
{
    public string Container => Name[(Name.IndexOf('.', StringComparison.Ordinal) + 1)..];

    /// <summary>The words of a message without what differs from archive to archive: names, numbers.</summary>
    public static string Wording(string message) =>
        System.Text.RegularExpressions.Regex.Replace(message, @"'[^']*'|\d[\d,.]*|[\w.-]+\.(?:tar\.gz|tar\.bz2|tar|zip)", "#", System.Text.RegularExpressions.RegexOptions.NonBacktracking, TimeSpan.FromSeconds(5));
}

/// <summary>Writes every class of hostile archive into a folder, once in each container that has a way to say it.</summary>
internal static class HostileArchives
{
    /// <summary>More than the disk of storage holds in the tests that use these.</summary>
    private const int ZerosMegabytes = 160;

    private static readonly (string Class, string Disguise, Fault Fault, string Says, string Entry, RawTar Tar)[] Tars =
    [
        ("climbs", "", Fault.ArchiveHostile, "climbs out", "../victim", new RawTar().File("../victim", "x"u8)),
        ("climbs", "within", Fault.ArchiveHostile, "climbs out", "a/../../victim", new RawTar().Folder("a").File("a/../../victim", "x"u8)),
        ("climbs", "with-dots", Fault.ArchiveHostile, "climbs out", "./.././victim", new RawTar().File("./.././victim", "x"u8)),
        ("climbs", "at-the-end", Fault.ArchiveHostile, "climbs out", "a/..", new RawTar().File("a/..", "x"u8)),
        ("climbs", "by-pax", Fault.ArchiveHostile, "climbs out", "../victim", new RawTar().Pax(RawTar.Record("path", "../victim")).File("innocent", "x"u8)),
        ("climbs", "by-global-pax", Fault.ArchiveHostile, "climbs out", "../victim", new RawTar().Pax(RawTar.Record("path", "../victim"), (byte)'g').File("innocent", "x"u8)),
        ("climbs", "by-two-records", Fault.ArchiveHostile, "climbs out", "../victim", new RawTar().Pax(RawTar.Record("path", "innocent") + RawTar.Record("path", "../victim")).File("innocent", "x"u8)),
        ("climbs", "by-long-name", Fault.ArchiveHostile, "climbs out", "../victim", new RawTar().Altered("././@LongLink", 10, block => block[156] = (byte)'L').Content("../victim\0"u8).File("innocent", "x"u8)),
        ("climbs", "by-prefix", Fault.ArchiveHostile, "climbs out", "../victim", new RawTar().Altered("victim", 0, block => { block[345] = (byte)'.'; block[346] = (byte)'.'; })),
        ("climbs", "as-a-folder", Fault.ArchiveHostile, "climbs out", "../victim", new RawTar().Folder("../victim")),
        ("climbs", "as-a-symlink", Fault.ArchiveHostile, "climbs out", "../victim", new RawTar().Link("../victim", "x")),
        ("absolute", "", Fault.ArchiveHostile, "' is absolute", "/tmp/victim", new RawTar().File("/tmp/victim", "x"u8)),
        ("absolute", "doubled", Fault.ArchiveHostile, "' is absolute", "//tmp/victim", new RawTar().File("//tmp/victim", "x"u8)),
        ("drive", "", Fault.ArchiveHostile, "drive letter", "C:\\\\victim", new RawTar().File("C:\\victim", "x"u8)),
        ("drive", "slash", Fault.ArchiveHostile, "drive letter", "c:/victim", new RawTar().File("c:/victim", "x"u8)),
        ("nul", "", Fault.ArchiveHostile, "holds a NUL", "a\\0b", new RawTar().Pax(RawTar.Record("path", "a\0b")).File("innocent", "x"u8)),
        ("long-part", "", Fault.ArchiveHostile, "longer than 255", "nnnnnnnnnnnn", new RawTar().Pax(RawTar.Record("path", new string('n', 300))).File("innocent", "x"u8)),
        ("long-name", "", Fault.ArchiveHostile, "longer than 4095", "dir/dir/dir", new RawTar().Pax(RawTar.Record("path", string.Concat(Enumerable.Repeat("dir/", 2000)) + "file")).File("innocent", "x"u8)),
        ("no-name", "", Fault.ArchiveHostile, "is a file without a name", "'.'", new RawTar().File(".", "x"u8)),
        ("through-symlink", "", Fault.ArchiveHostile, "leads through 'way', which is a symlink, not a folder", "way/victim", new RawTar().Link("way", "../outside").File("way/victim", "x"u8)),
        ("through-symlink", "deep", Fault.ArchiveHostile, "leads through 'way', which is a symlink, not a folder", "a/way/b/victim", new RawTar().Folder("a").Link("a/way", "../../outside").File("a/way/b/victim", "x"u8)),
        ("through-symlink", "as-a-folder", Fault.ArchiveHostile, "leads through 'way', which is a symlink, not a folder", "way/victim", new RawTar().Link("way", "..").Folder("way/victim")),
        ("file-over-symlink", "", Fault.ArchiveHostile, "is a file with the name of a symlink before it", "victim", new RawTar().Link("victim", "../outside/victim").File("victim", "x"u8)),
        ("folder-over-symlink", "", Fault.ArchiveHostile, "is a folder with the name of a symlink before it", "way", new RawTar().Link("way", "../outside").Folder("way").File("way/victim", "x"u8)),
        ("symlink-over-file", "", Fault.ArchiveHostile, "is a symlink with the name of an entry before it", "thing", new RawTar().File("thing", "x"u8).Link("thing", "../outside/victim")),
        ("symlink-to-nothing", "", Fault.ArchiveHostile, "is a symlink to nothing", "thing", new RawTar().Altered("thing", 0, block => block[156] = (byte)'2')),
        ("symlink-too-long", "", Fault.ArchiveHostile, "is a symlink to a name that is too long", "thing", new RawTar().Pax(RawTar.Record("linkpath", new string('n', 5000))).Link("thing", "x")),
        ("symlink-with-nul", "", Fault.ArchiveHostile, "is a symlink to a name with a NUL", "thing", new RawTar().Pax(RawTar.Record("linkpath", "a\0b")).Link("thing", "x")),
        ("hard-link-out", "", Fault.ArchiveHostile, "is a hard link to '../outside/victim', which climbs out", "'link'", new RawTar().Link("link", "../outside/victim", EntryKind.HardLink)),
        ("hard-link-absolute", "", Fault.ArchiveHostile, "is a hard link to '/etc/passwd', which is absolute", "'link'", new RawTar().Link("link", "/etc/passwd", EntryKind.HardLink)),
        ("hard-link-to-nothing", "", Fault.ArchiveHostile, "not a file unpacked before it", "'link'", new RawTar().Link("link", "missing", EntryKind.HardLink)),
        ("hard-link-to-symlink", "", Fault.ArchiveHostile, "which is a symlink", "'link'", new RawTar().Link("way", "../outside/victim").Link("link", "way", EntryKind.HardLink)),
        ("hard-link-through-symlink", "", Fault.ArchiveHostile, "the way to which is not made of folders", "'link'", new RawTar().Link("way", "../outside").Link("link", "way/victim", EntryKind.HardLink)),
        ("hard-link-over-file", "", Fault.ArchiveHostile, "is a hard link with the name of an entry before it", "'b'", new RawTar().File("a", "x"u8).File("b", "x"u8).Link("b", "a", EntryKind.HardLink)),
        ("device", "block", Fault.ArchiveHostile, "is a device or a pipe", "thing", new RawTar().Altered("thing", 0, block => block[156] = (byte)'4')),
        ("device", "character", Fault.ArchiveHostile, "is a device or a pipe", "thing", new RawTar().Altered("thing", 0, block => block[156] = (byte)'3')),
        ("device", "pipe", Fault.ArchiveHostile, "is a device or a pipe", "thing", new RawTar().Altered("thing", 0, block => block[156] = (byte)'6')),
        ("unknown-kind", "", Fault.ArchiveHostile, "never unpacked", "thing", new RawTar().Altered("thing", 0, block => block[156] = (byte)'M')),
        ("twice", "", Fault.ArchiveHostile, "' comes twice, so", "'a'", new RawTar().File("a", "1"u8).File("a", "2"u8)),
        ("twice", "in-disguise", Fault.ArchiveHostile, "' comes twice, so", "'a'", new RawTar().File("a", "1"u8).File("./a", "2"u8)),
        ("twice", "by-global-pax", Fault.ArchiveHostile, "' comes twice, so", "'same'", new RawTar().Pax(RawTar.Record("path", "same"), (byte)'g').File("a", "1"u8).File("b", "2"u8)),
        ("file-and-folder", "", Fault.ArchiveHostile, "once as a folder", "'a'", new RawTar().File("a", "1"u8).Folder("a")),
        ("file-and-folder", "turned", Fault.ArchiveHostile, "once as a folder", "'a'", new RawTar().Folder("a").File("a", "1"u8)),
        ("through-file", "", Fault.ArchiveHostile, "leads through 'a', which is a file, not a folder", "a/victim", new RawTar().File("a", "1"u8).File("a/victim", "x"u8)),
        ("sparse", "gnu", Fault.ArchiveHostile, "sparse", "thing", new RawTar().Altered("thing", 0, block => block[156] = (byte)'S')),
        ("sparse", "pax", Fault.ArchiveHostile, "sparse", "thing", new RawTar().Pax(RawTar.Record("GNU.sparse.major", "1")).File("thing", "x"u8)),
        ("sparse", "global", Fault.ArchiveHostile, "sparse", "thing", new RawTar().Pax(RawTar.Record("GNU.sparse.size", "1099511627776"), (byte)'g').File("thing", "x"u8)),
        ("size-impossible", "", Fault.ArchiveDamaged, "has an impossible size", "thing", new RawTar().Pax(RawTar.Record("size", "9223372036854775807")).File("thing", "x"u8)),
        ("size-impossible", "negative", Fault.ArchiveDamaged, "has an impossible size", "thing", new RawTar().Altered("thing", 0, block => block.AsSpan(124, 12).Fill(0xFF))),
        ("size-unreadable", "", Fault.ArchiveDamaged, "has an unreadable size", "thing", new RawTar().Pax(RawTar.Record("size", "-1")).File("thing", "x"u8)),
        ("size-beyond-the-end", "", Fault.ArchiveDamaged, "The tar stops inside", "thing", new RawTar().Pax(RawTar.Record("size", "100000")).File("thing", "x"u8)),
        ("size-of-a-link", "", Fault.ArchiveDamaged, "can have no content and announces some", "thing", new RawTar().Altered("thing", 512, block => (block[156], block[157]) = ((byte)'2', (byte)'x')).Content(new byte[512])),
        ("owner-impossible", "", Fault.ArchiveDamaged, "has an impossible owner", "thing", new RawTar().Pax(RawTar.Record("uid", "99999999999")).File("thing", "x"u8)),
        ("owner-unreadable", "", Fault.ArchiveDamaged, "has an unreadable uid", "thing", new RawTar().Pax(RawTar.Record("uid", "root")).File("thing", "x"u8)),
        ("time-unreadable", "", Fault.ArchiveDamaged, "has an unreadable time", "thing", new RawTar().Pax(RawTar.Record("mtime", "yesterday")).File("thing", "x"u8)),
        ("number-unreadable", "", Fault.ArchiveDamaged, "has an unreadable number", "thing", new RawTar().Altered("thing", 0, block => block.AsSpan(100, 8).Fill((byte)'z'))),
        ("checksum", "", Fault.ArchiveDamaged, "has a wrong checksum", "that follows 'first'", new RawTar().Put([.. new RawTar().File("thing", "x"u8).ToCutTar().Take(511), 1])),
        ("pax-without-form", "", Fault.ArchiveDamaged, "is a pax header that cannot be read", "PaxHeaders/x", new RawTar().Pax("99 path=x\n").File("thing", "x"u8)),
        ("pax-of-a-gigabyte", "", Fault.ArchiveDamaged, "is a header of another entry and announces", "PaxHeaders/x", new RawTar().Altered("PaxHeaders/x", 1 << 30, block => block[156] = (byte)'x')),
        ("pax-of-nothing", "", Fault.ArchiveDamaged, "announces another entry", "", new RawTar().Pax(RawTar.Record("path", "thing"))),
    ];

    /// <summary>Statements of Python over an open <c>zipfile</c> called z.</summary>
    private static readonly (string Class, string Disguise, Fault Fault, string Says, string Entry, string Write)[] Zips =
    [
        ("climbs", "", Fault.ArchiveHostile, "climbs out", "../victim", "z.writestr('../victim', 'x')"),
        ("climbs", "within", Fault.ArchiveHostile, "climbs out", "a/../../victim", "z.writestr('a/../../victim', 'x')"),
        ("climbs", "by-backslash", Fault.ArchiveHostile, "climbs out", "../victim", "i=zipfile.ZipInfo('x'); i.filename='..\\\\victim'; i.create_system=0; z.writestr(i, 'x')"),
        ("climbs", "by-unicode-field", Fault.ArchiveHostile, "climbs out", "../victim", "i=zipfile.ZipInfo('innocent'); n=b'../victim'; i.extra=struct.pack('<HHBI',0x7075,5+len(n),1,binascii.crc32(b'innocent'))+n; z.writestr(i, 'x')"),
        ("absolute", "", Fault.ArchiveHostile, "' is absolute", "/tmp/victim", "z.writestr('/tmp/victim', 'x')"),
        ("drive", "", Fault.ArchiveHostile, "drive letter", "C:/victim", "i=zipfile.ZipInfo('x'); i.filename='C:\\\\victim'; i.create_system=0; z.writestr(i, 'x')"),
        ("nul", "", Fault.ArchiveHostile, "holds a NUL", "a\\0b", "i=zipfile.ZipInfo('x'); i.filename='a\\0b'; z.writestr(i, 'x')"),
        ("long-part", "", Fault.ArchiveHostile, "longer than 255", "nnnnnnnnnnnn", "z.writestr('n' * 300, 'x')"),
        ("long-name", "", Fault.ArchiveHostile, "longer than 4095", "dir/dir/dir", "z.writestr('dir/' * 2000 + 'file', 'x')"),
        ("through-symlink", "", Fault.ArchiveHostile, "leads through 'way', which is a symlink, not a folder", "way/victim", "i=zipfile.ZipInfo('way'); i.create_system=3; i.external_attr=(0o120777<<16); z.writestr(i, '../outside'); z.writestr('way/victim', 'x')"),
        ("file-over-symlink", "", Fault.ArchiveHostile, "is a file with the name of a symlink before it", "victim", "i=zipfile.ZipInfo('victim'); i.create_system=3; i.external_attr=(0o120777<<16); z.writestr(i, '../outside/victim'); z.writestr('victim', 'x')"),
        ("folder-over-symlink", "", Fault.ArchiveHostile, "is a folder with the name of a symlink before it", "way", "i=zipfile.ZipInfo('way'); i.create_system=3; i.external_attr=(0o120777<<16); z.writestr(i, '../outside'); z.writestr('way/', '')"),
        ("symlink-over-file", "", Fault.ArchiveHostile, "is a symlink with the name of an entry before it", "thing", "z.writestr('thing', 'x'); i=zipfile.ZipInfo('thing'); i.create_system=3; i.external_attr=(0o120777<<16); z.writestr(i, '../outside/victim')"),
        ("symlink-of-any-length", "", Fault.ArchiveHostile, "is a symlink to nothing, or to a name that is too long", "thing", "i=zipfile.ZipInfo('thing'); i.create_system=3; i.external_attr=(0o120777<<16); z.writestr(i, 'n'*5000)"),
        ("symlink-with-nul", "", Fault.ArchiveHostile, "is a symlink to a name with a NUL", "thing", "i=zipfile.ZipInfo('thing'); i.create_system=3; i.external_attr=(0o120777<<16); z.writestr(i, 'a\\0b')"),
        ("device", "", Fault.ArchiveHostile, "is a device, a pipe or a socket", "dev", "i=zipfile.ZipInfo('dev'); i.create_system=3; i.external_attr=(0o060644<<16); z.writestr(i, '')"),
        ("device", "socket", Fault.ArchiveHostile, "is a device, a pipe or a socket", "dev", "i=zipfile.ZipInfo('dev'); i.create_system=3; i.external_attr=(0o140644<<16); z.writestr(i, '')"),
        ("twice", "", Fault.ArchiveHostile, "' comes twice, so", "'a'", "z.writestr('a', '1'); z.writestr('a', '2')"),
        ("file-and-folder", "", Fault.ArchiveHostile, "once as a folder", "'a'", "z.writestr('a', '1'); z.writestr('a/', '')"),
        ("through-file", "", Fault.ArchiveHostile, "leads through 'a', which is a file, not a folder", "a/victim", "z.writestr('a', '1'); z.writestr('a/victim', 'x')"),
        ("odd-method", "", Fault.ArchiveHostile, "packed by method", "thing", "z.writestr('thing', 'x' * 1000, zipfile.ZIP_LZMA)"),
        ("folder-with-content", "", Fault.ArchiveDamaged, "announces content", "thing", "i=zipfile.ZipInfo('thing'); i.create_system=0; i.external_attr=0x10; z.writestr(i, 'content')"),
    ];

    /// <summary>Statements of Python over the bytes of a zip with the entries first, thing and other, b; d is where thing's item of the directory begins, h where its own header does.</summary>
    private static readonly (string Class, Fault Fault, string Says, string Entry, string Alter)[] AlteredZips =
    [
        ("same-data", Fault.ArchiveHostile, "another one over the same data", "thing", "o=b.index(b'PK\\x01\\x02', d+4); b[o+42:o+46]=b[d+42:d+46]"),
        ("overlap", Fault.ArchiveHostile, "overlaps the next one's", "thing", "b[d+20:d+28]=struct.pack('<II',105,105)"),
        ("two-names", Fault.ArchiveHostile, "by another name", "thing", "b[h+30:h+35]=b'evil!'"),
        ("two-sizes", Fault.ArchiveDamaged, "announces two sizes", "thing", "b[d+24:d+28]=struct.pack('<I',90)"),
        ("short", Fault.ArchiveDamaged, "does not match its CRC", "thing", "b[d+20:d+28]=struct.pack('<II',90,90)"),
        ("no-header", Fault.ArchiveDamaged, "has no header where", "thing", "b[h]=0"),
        ("encrypted", Fault.ArchiveHostile, "has the encrypted entry", "thing", "b[d+8]|=1"),
        ("no-zip64-size", Fault.ArchiveDamaged, "lacks the size", "thing", "b[d+24:d+28]=bytes([255]*4)"),
        ("directory-cut", Fault.ArchiveDamaged, "directory cannot be read", "", "b[d]=0"),
        ("directory-beyond", Fault.ArchiveDamaged, "directory does not fit", "", "e=b.rindex(b'PK\\x05\\x06'); b[e+10:e+12]=struct.pack('<H',60000)"),
        ("end-missing", Fault.ArchiveDamaged, "end of the zip is missing", "", "b=b[:-10]"),
    ];

    /// <summary>Writes all of one container into an existing folder.</summary>
    /// <param name="container"><c>tar.gz</c>, <c>tar</c>, <c>tar.bz2</c> or <c>zip</c>.</param>
    public static IReadOnlyList<HostileArchive> Write(string folder, string container)
    {
        var written = container == "zip" ? WriteZips(folder) : WriteTars(folder, container);
        written.Add(WriteZeros(folder, container));
        return written;
    }

    /// <summary>An archive of more entries than the disk of storage has room for names; takes a while.</summary>
    public static HostileArchive WriteMillion(string folder, string container)
    {
        var name = $"million.{container}";
        Shell.Run(folder, container == "zip"
            ? $"python3 -c \"import zipfile; z=zipfile.ZipFile('{name}','w'); [z.writestr('f%07d' % i, '') for i in range(1000000)]; z.close()\""
            : $"python3 -c \"import sys,tarfile; t=tarfile.open(fileobj=sys.stdout.buffer,mode='w|',format=tarfile.USTAR_FORMAT); [t.addfile(tarfile.TarInfo('f%07d' % i)) for i in range(1000000)]; t.close()\" | {Packer(container)} > {name}");
        return new HostileArchive(name, "million", Fault.NoRoom, "needs about", "");
    }

    private static List<HostileArchive> WriteTars(string folder, string container)
    {
        var written = new List<HostileArchive>();
        foreach (var (kind, disguise, fault, says, entry, tar) in Tars)
        {
            // An innocent entry first: what is refused must be refused whole.
            var name = NameOf(kind, disguise);
            File.WriteAllBytes($"{folder}/{name}.raw", [.. new RawTar().File("first", "x"u8).ToCutTar(), .. tar.ToTar()]);
            written.Add(new HostileArchive($"{name}.{container}", kind, fault, says, entry));
        }

        Shell.Run(folder, $"for f in *.raw; do {Packer(container)} < $f > ${{f%.raw}}.{container}; rm $f; done");
        if (container == "tar.gz")
        {
            var honest = new ArchiveEntry("file", EntryKind.File, 7, 0x1A4, 0, 0, new UnixTime(5, 0));
            ForgedIndexTests.Forge($"{folder}/index-lies.tar.gz", honest with { Name = "other" }, honest, "content"u8, "content"u8);
            written.Add(new HostileArchive("index-lies.tar.gz", "index-lies", Fault.ArchiveDamaged, "index", "other"));
            ForgedIndexTests.Forge($"{folder}/index-climbs.tar.gz", honest with { Name = "../victim" }, honest with { Name = "../victim" }, "content"u8, "content"u8);
            written.Add(new HostileArchive("index-climbs.tar.gz", "climbs", Fault.ArchiveHostile, "climbs out", "../victim"));
            ForgedIndexTests.Forge($"{folder}/index-hides.tar.gz", honest, honest, "content"u8, "content"u8, BackupApi.Archive.Tar.TarHeader.Write(honest with { Name = "hidden", Size = 0 }));
            written.Add(new HostileArchive("index-hides.tar.gz", "index-hides", Fault.ArchiveDamaged, "more than the index", ""));
        }

        return written;
    }

    private static List<HostileArchive> WriteZips(string folder)
    {
        var script = string.Concat(Zips.Select(zip => $"z=zipfile.ZipFile('{NameOf(zip.Class, zip.Disguise)}.zip','w'); z.writestr('first','x'); {zip.Write}; z.close()\n"))
            + string.Concat(AlteredZips.Select(zip => $"b=whole(); d=b.index(b'thing', b.index(b'PK\\x01\\x02'))-46; h=b.index(b'thing')-30; {zip.Alter}; open('{zip.Class}.zip','wb').write(b)\n"));
        File.WriteAllText($"{folder}/make.py", """
            import zipfile, struct, binascii
            def whole():
                z=zipfile.ZipFile('whole','w'); z.writestr('first','x'); z.writestr('thing','x'*100); z.writestr('other','y'*100); z.close()
                return bytearray(open('whole','rb').read())

            """ + script);
        Shell.Run(folder, "python3 -W ignore make.py; rm -f make.py whole");
        return
        [
            .. Zips.Select(zip => new HostileArchive($"{NameOf(zip.Class, zip.Disguise)}.zip", zip.Class, zip.Fault, zip.Says, zip.Entry)),
            .. AlteredZips.Select(zip => new HostileArchive($"{zip.Class}.zip", zip.Class, zip.Fault, zip.Says, zip.Entry)),
        ];
    }

    private static string NameOf(string kind, string disguise) => disguise.Length == 0 ? kind : $"{kind}-{disguise}";

    private static HostileArchive WriteZeros(string folder, string container)
    {
        var name = $"zeros.{container}";
        Shell.Run(folder, string.Create(CultureInfo.InvariantCulture, $"truncate -s {ZerosMegabytes}M many-zeros; ") + (container == "zip" ? $"zip -q -1 {name} many-zeros" : $"tar cf - many-zeros | {Packer(container)} > {name}") + "; rm many-zeros");
        return new HostileArchive(name, "zeros", Fault.ArchiveHostile, "unpacks to more than", "many-zeros");
    }

    private static string Packer(string container) => container switch
    {
        "tar.gz" => "gzip -1",
        "tar.bz2" => "bzip2 -1",
        _ => "cat",
    };
}
