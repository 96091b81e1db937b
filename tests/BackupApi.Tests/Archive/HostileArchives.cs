using System.Globalization;
using BackupApi.Model;
using BackupApi.Tests.Support;

namespace BackupApi.Tests.Archive;

/// <summary>An archive made to do harm, in one of the containers, and what must be said of it.</summary>
/// <param name="Name">Of the file, with the ending of its container; no two are alike.</param>
/// <param name="Says">A part of the message that belongs to its class alone.</param>
internal sealed record HostileArchive(string Name, Fault Fault, string Says);

/// <summary>Writes every class of hostile archive into a folder, once in each container that has a way to say it.</summary>
internal static class HostileArchives
{
    /// <summary>More than the disk of storage holds in the tests that use these.</summary>
    private const int ZerosMegabytes = 160;

    private static readonly (string Name, Fault Fault, string Says, RawTar Tar)[] Tars =
    [
        ("climbs", Fault.ArchiveHostile, "climbs out", new RawTar().File("../victim", "x"u8)),
        ("climbs-within", Fault.ArchiveHostile, "climbs out", new RawTar().Folder("a").File("a/../../victim", "x"u8)),
        ("climbs-with-dots", Fault.ArchiveHostile, "climbs out", new RawTar().File("./.././victim", "x"u8)),
        ("climbs-by-pax", Fault.ArchiveHostile, "climbs out", new RawTar().Pax(RawTar.Record("path", "../victim")).File("innocent", "x"u8)),
        ("climbs-by-long-name", Fault.ArchiveHostile, "climbs out", new RawTar().Altered("././@LongLink", 10, block => block[156] = (byte)'L').Content("../victim\0"u8).File("innocent", "x"u8)),
        ("absolute", Fault.ArchiveHostile, "is absolute", new RawTar().File("/tmp/victim", "x"u8)),
        ("drive", Fault.ArchiveHostile, "drive letter", new RawTar().File("C:\\victim", "x"u8)),
        ("nul", Fault.ArchiveHostile, "NUL", new RawTar().Pax(RawTar.Record("path", "a\0b")).File("innocent", "x"u8)),
        ("long-part", Fault.ArchiveHostile, "longer than 255", new RawTar().Pax(RawTar.Record("path", new string('n', 300))).File("innocent", "x"u8)),
        ("through-symlink", Fault.ArchiveHostile, "not a folder", new RawTar().Link("way", "../outside").File("way/victim", "x"u8)),
        ("symlink-then-file", Fault.ArchiveHostile, "comes twice", new RawTar().Link("victim", "../outside/victim").File("victim", "x"u8)),
        ("hard-link-out", Fault.ArchiveHostile, "climbs out", new RawTar().Link("link", "../outside/victim", EntryKind.HardLink)),
        ("hard-link-absolute", Fault.ArchiveHostile, "is absolute", new RawTar().Link("link", "/etc/passwd", EntryKind.HardLink)),
        ("hard-link-to-nothing", Fault.ArchiveHostile, "not a file unpacked before it", new RawTar().Link("link", "missing", EntryKind.HardLink)),
        ("device", Fault.ArchiveHostile, "is a device or a pipe", new RawTar().Altered("thing", 0, block => block[156] = (byte)'4')),
        ("unknown-kind", Fault.ArchiveHostile, "never unpacked", new RawTar().Altered("thing", 0, block => block[156] = (byte)'M')),
        ("twice", Fault.ArchiveHostile, "comes twice", new RawTar().File("a", "1"u8).File("a", "2"u8)),
        ("sparse-gnu", Fault.ArchiveHostile, "sparse", new RawTar().Altered("thing", 0, block => block[156] = (byte)'S')),
        ("sparse-pax", Fault.ArchiveHostile, "sparse", new RawTar().Pax(RawTar.Record("GNU.sparse.major", "1")).File("thing", "x"u8)),
        ("size-impossible", Fault.ArchiveDamaged, "impossible size", new RawTar().Pax(RawTar.Record("size", "9223372036854775807")).File("thing", "x"u8)),
        ("size-unreadable", Fault.ArchiveDamaged, "unreadable size", new RawTar().Pax(RawTar.Record("size", "-1")).File("thing", "x"u8)),
        ("size-beyond-the-end", Fault.ArchiveDamaged, "stops", new RawTar().Pax(RawTar.Record("size", "100000")).File("thing", "x"u8)),
        ("pax-without-form", Fault.ArchiveDamaged, "pax header cannot be read", new RawTar().Pax("99 path=x\n").File("thing", "x"u8)),
        ("pax-of-a-gigabyte", Fault.ArchiveDamaged, "announces", new RawTar().Altered("PaxHeaders/x", 1 << 30, block => block[156] = (byte)'x')),
    ];

    /// <summary>Statements of Python over an open <c>zipfile</c> called z.</summary>
    private static readonly (string Name, Fault Fault, string Says, string Write)[] Zips =
    [
        ("climbs", Fault.ArchiveHostile, "climbs out", "z.writestr('../victim', 'x')"),
        ("climbs-within", Fault.ArchiveHostile, "climbs out", "z.writestr('a/../../victim', 'x')"),
        ("climbs-by-backslash", Fault.ArchiveHostile, "climbs out", "i=zipfile.ZipInfo('x'); i.filename='..\\\\victim'; i.create_system=0; z.writestr(i, 'x')"),
        ("absolute", Fault.ArchiveHostile, "is absolute", "z.writestr('/tmp/victim', 'x')"),
        ("drive", Fault.ArchiveHostile, "drive letter", "i=zipfile.ZipInfo('x'); i.filename='C:\\\\victim'; i.create_system=0; z.writestr(i, 'x')"),
        ("nul", Fault.ArchiveHostile, "NUL", "i=zipfile.ZipInfo('x'); i.filename='a\\0b'; z.writestr(i, 'x')"),
        ("long-part", Fault.ArchiveHostile, "longer than 255", "z.writestr('n' * 300, 'x')"),
        ("through-symlink", Fault.ArchiveHostile, "not a folder", "i=zipfile.ZipInfo('way'); i.create_system=3; i.external_attr=(0o120777<<16); z.writestr(i, '../outside'); z.writestr('way/victim', 'x')"),
        ("symlink-then-file", Fault.ArchiveHostile, "comes twice", "i=zipfile.ZipInfo('victim'); i.create_system=3; i.external_attr=(0o120777<<16); z.writestr(i, '../outside/victim'); z.writestr('victim', 'x')"),
        ("device", Fault.ArchiveHostile, "is a device, a pipe or a socket", "i=zipfile.ZipInfo('dev'); i.create_system=3; i.external_attr=(0o060644<<16); z.writestr(i, '')"),
        ("twice", Fault.ArchiveHostile, "comes twice", "z.writestr('a', '1'); z.writestr('a', '2')"),
        ("odd-method", Fault.ArchiveHostile, "packed by method", "z.writestr('thing', 'x' * 1000, zipfile.ZIP_LZMA)"),
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
        return new HostileArchive(name, Fault.NoRoom, "needs about");
    }

    private static List<HostileArchive> WriteTars(string folder, string container)
    {
        var written = new List<HostileArchive>();
        foreach (var (name, fault, says, tar) in Tars)
        {
            // An innocent entry first: what is refused must be refused whole.
            File.WriteAllBytes($"{folder}/{name}.raw", [.. new RawTar().File("first", "x"u8).ToCutTar(), .. tar.ToTar()]);
            written.Add(new HostileArchive($"{name}.{container}", fault, says));
        }

        Shell.Run(folder, $"for f in *.raw; do {Packer(container)} < $f > ${{f%.raw}}.{container}; rm $f; done");
        if (container == "tar.gz")
        {
            var honest = new ArchiveEntry("file", EntryKind.File, 7, 0x1A4, 0, 0, new UnixTime(5, 0));
            ForgedIndexTests.Forge($"{folder}/index-lies.tar.gz", honest with { Name = "other" }, honest, "content"u8, "content"u8);
            written.Add(new HostileArchive("index-lies.tar.gz", Fault.ArchiveDamaged, "index"));
            ForgedIndexTests.Forge($"{folder}/index-climbs.tar.gz", honest with { Name = "../victim" }, honest with { Name = "../victim" }, "content"u8, "content"u8);
            written.Add(new HostileArchive("index-climbs.tar.gz", Fault.ArchiveHostile, "climbs out"));
        }

        return written;
    }

    private static List<HostileArchive> WriteZips(string folder)
    {
        var script = string.Concat(Zips.Select(zip => $"z=zipfile.ZipFile('{zip.Name}.zip','w'); z.writestr('first','x'); {zip.Write}; z.close()\n"));
        File.WriteAllText($"{folder}/make.py", "import zipfile, struct\n" + script + """
            z=zipfile.ZipFile('overlap.zip','w'); z.writestr('aaaa','x'*1000); z.writestr('bbbb','y'*1000); z.close()
            b=bytearray(open('overlap.zip','rb').read()); d=b.rindex(b'PK\x01\x02'); b[d+42:d+46]=bytes(4); open('overlap.zip','wb').write(b)
            z=zipfile.ZipFile('two-names.zip','w'); z.writestr('good.txt','x'); z.close()
            b=bytearray(open('two-names.zip','rb').read()); b[30:34]=b'evil'; open('two-names.zip','wb').write(b)
            z=zipfile.ZipFile('size-lies.zip','w'); z.writestr('thing','x'*100); z.close()
            b=bytearray(open('size-lies.zip','rb').read()); d=b.rindex(b'PK\x01\x02'); b[d+20:d+28]=struct.pack('<II',90,90); open('size-lies.zip','wb').write(b)

            """);
        Shell.Run(folder, "python3 -W ignore make.py; rm make.py");
        return
        [
            .. Zips.Select(zip => new HostileArchive($"{zip.Name}.zip", zip.Fault, zip.Says)),
            new HostileArchive("overlap.zip", Fault.ArchiveHostile, "same data"),
            new HostileArchive("two-names.zip", Fault.ArchiveHostile, "another name"),
            new HostileArchive("size-lies.zip", Fault.ArchiveDamaged, "size"),
        ];
    }

    private static HostileArchive WriteZeros(string folder, string container)
    {
        var name = $"zeros.{container}";
        Shell.Run(folder, string.Create(CultureInfo.InvariantCulture, $"truncate -s {ZerosMegabytes}M zeros; ") + (container == "zip" ? $"zip -q -1 {name} zeros" : $"tar cf - zeros | {Packer(container)} > {name}") + "; rm zeros");
        return new HostileArchive(name, Fault.ArchiveHostile, "unpacks to more than");
    }

    private static string Packer(string container) => container switch
    {
        "tar.gz" => "gzip -1",
        "tar.bz2" => "bzip2 -1",
        _ => "cat",
    };
}
