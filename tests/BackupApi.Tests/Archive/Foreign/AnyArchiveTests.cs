using BackupApi.Archive;
using BackupApi.Archive.Foreign;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Archive.Foreign;

/// <summary>Archives as GNU tar, bsdtar, 7-Zip, Info-ZIP and Python write them.</summary>
public sealed class AnyArchiveTests : IDisposable
{
    private readonly TempFolder temp = new();
    private readonly AnyArchive archives = new(new ArchiveReader());

    public AnyArchiveTests()
    {
        temp.File("in/a.txt", "some text"u8);
        temp.File("in/folder/b.bin", new byte[100_000]);
        temp.File("in/folder/grüße.txt", "umlauts"u8);
        temp.File("in/zero", []);
        temp.Folder("in/empty");
        File.WriteAllBytes(temp["in/random"], RandomBytes(300_000));
        Posix.MakeSymlink("../a.txt", temp["in/folder/link"]);
        Shell.Run(temp["in"], "chmod 640 a.txt; chmod 755 zero; touch -d 2024-02-03T04:05:06Z a.txt folder/* random zero empty; touch -h -d 2024-02-03T04:05:06Z folder/link");
    }

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData("tar cf ../x.tar .", true)]
    [InlineData("tar --format=gnu -czf ../x.tar .", true)]
    [InlineData("tar --format=ustar -cjf ../x.tar .", true)]
    [InlineData("tar --format=v7 -cf ../x.tar .", true)]
    [InlineData("tar --format=pax -cf ../x.tar *", true)]
    [InlineData("bsdtar -cf ../x.tar .", true)]
    [InlineData("bsdtar -cjf ../x.tar .", true)]
    [InlineData("bsdtar --format=zip -cf ../x.tar .", true)]
    [InlineData("python3 -c \"import tarfile; t=tarfile.open('../x.tar','w:bz2'); t.add('.'); t.close()\"", true)]
    [InlineData("python3 -c \"import shutil; shutil.make_archive('../y','zip','.')\"; mv ../y.zip ../x.tar; rm -f folder/link; rm -rf empty", false)]
    [InlineData("zip -qry ../y.zip .; mv ../y.zip ../x.tar", true)]
    [InlineData("7z a -snl -tzip ../y.zip . >/dev/null; mv ../y.zip ../x.tar", true)]
    [InlineData("7z a -snl -ttar ../y.tar . >/dev/null; mv ../y.tar ../x.tar", true)]
    [InlineData("tar cf ../y.tar .; 7z a -tbzip2 -mmt=2 ../y.bz2 ../y.tar >/dev/null; mv ../y.bz2 ../x.tar", true)]
    [InlineData("tar cf ../y.tar .; head -c 200000 ../y.tar | bzip2 > ../x.tar; tail -c +200001 ../y.tar | bzip2 >> ../x.tar", true)]
    public async Task What_others_pack_is_read_by_its_content_whatever_its_name(string pack, bool hasAll)
    {
        var before = hasAll ? Image("in") : null;
        Shell.Run(temp["in"], pack);
        before ??= Image("in");

        var proof = await VerifyAsync();
        Assert.Empty(proof.Errors);
        Assert.Null(proof.Manifest);

        if (!hasAll)
        {
            Shell.Run(temp.Folder("out"), "true");
        }

        await archives.UnpackAsync(temp["x.tar"], temp.Folder("out"), ArchiveLimits.None, new Progress(), CancellationToken.None);
        if (!hasAll)
        {
            Shell.Run(temp["out"], "rm -rf folder/link empty");
        }

        Assert.Equal(before, Image("out"));
    }

    [Fact]
    public async Task A_zip_keeps_modes_and_whole_seconds()
    {
        Shell.Run(temp["in"], "touch -d 2024-02-03T04:05:06Z folder; zip -qry ../x.tar.zip .; mv ../x.tar.zip ../x.tar");

        await archives.UnpackAsync(temp["x.tar"], temp.Folder("out"), ArchiveLimits.None, new Progress(), CancellationToken.None);

        Assert.Equal(TreeImage.Of(temp["in"]), TreeImage.Of(temp["out"]));
    }

    [Fact]
    public async Task A_zip64_is_read()
    {
        Shell.Run(temp["in"], "python3 -c \"import zipfile; z=zipfile.ZipFile('../x.tar','w'); f=z.open('random','w',force_zip64=True); f.write(open('random','rb').read()); f.close(); z.close()\"");

        var proof = await VerifyAsync();

        Assert.Empty(proof.Errors);
        Assert.Equal(300_000, proof.ContentBytes);
    }

    [Theory]
    [InlineData("tar cf ../x.tar .")]
    [InlineData("tar cjf ../x.tar .")]
    [InlineData("tar czf ../x.tar .")]
    [InlineData("zip -qry ../y.zip .; mv ../y.zip ../x.tar")]
    public async Task A_cut_anywhere_is_seen(string pack)
    {
        Shell.Run(temp["in"], pack);
        var whole = await File.ReadAllBytesAsync(temp["x.tar"]);
        foreach (var length in new[] { 1, 100, 511, 513, whole.Length / 3, whole.Length / 2, whole.Length - 20_000, whole.Length - (pack.Contains(" cf", StringComparison.Ordinal) ? 10_240 : 1) })
        {
            await File.WriteAllBytesAsync(temp["x.tar"], whole[..length]);

            Assert.NotEmpty((await VerifyAsync()).Errors);
        }
    }

    [Theory]
    [InlineData("tar cjf ../x.tar random a.txt")]
    [InlineData("zip -q ../y.zip random a.txt; mv ../y.zip ../x.tar")]
    public async Task A_flipped_bit_in_the_content_is_seen(string pack)
    {
        Shell.Run(temp["in"], pack);
        var whole = await File.ReadAllBytesAsync(temp["x.tar"]);
        for (var i = 200; i < whole.Length - 400; i += whole.Length / 20)
        {
            var flipped = whole.ToArray();
            flipped[i] ^= 4;
            await File.WriteAllBytesAsync(temp["x.tar"], flipped);

            Assert.NotEmpty((await VerifyAsync()).Errors);
        }
    }

    [Theory]
    [InlineData("xz -c a.txt > ../x.tar", "xz")]
    [InlineData("7z a ../y.7z a.txt >/dev/null; mv ../y.7z ../x.tar", "7z")]
    public async Task A_kind_that_is_not_read_is_named(string pack, string kind)
    {
        Shell.Run(temp["in"], pack);

        var failure = await Assert.ThrowsAsync<BackupException>(VerifyAsync);

        Assert.Equal(Fault.ArchiveIncompatible, failure.Fault);
        Assert.Contains(kind, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("z.writestr('../out.txt', 'x')", "climbs")]
    [InlineData("z.writestr('a/../../out.txt', 'x')", "climbs")]
    [InlineData("z.writestr('/etc/out.txt', 'x')", "absolute")]
    [InlineData("i=zipfile.ZipInfo('..\\\\out.txt'); i.create_system=0; z.writestr(i, 'x')", "climbs")]
    [InlineData("i=zipfile.ZipInfo('C:\\\\out.txt'); i.create_system=0; z.writestr(i, 'x')", "drive")]
    [InlineData("i=zipfile.ZipInfo('dev'); i.create_system=3; i.external_attr=(0o060644<<16); z.writestr(i, '')", "device")]
    [InlineData("i=zipfile.ZipInfo('l'); i.create_system=3; i.external_attr=(0o120777<<16); z.writestr(i, '/etc'); z.writestr('l/passwd', 'x')", "not a folder")]
    [InlineData("z.writestr('twice', 'x'); z.writestr('twice', 'y')", "twice")]
    [InlineData("z.writestr('x' * 300, 'x')", "longer")]
    [InlineData("z.writestr('lzma', 'x' * 1000, zipfile.ZIP_LZMA)", "method 14")]
    public async Task A_hostile_zip_is_refused_by_what_is_wrong_with_it_and_nothing_is_written_outside(string write, string why)
    {
        Shell.Run(temp.Path, $"python3 -W ignore -c \"import zipfile; z=zipfile.ZipFile('x.tar','w'); z.writestr('first','x'); {write}; z.close()\"");
        temp.Folder("out");

        var failure = await Assert.ThrowsAsync<BackupException>(() => archives.UnpackAsync(temp["x.tar"], temp["out"], ArchiveLimits.None, new Progress(), CancellationToken.None));

        Assert.Contains(why, failure.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(temp["out.txt"]));
    }

    [Fact]
    public async Task A_zip_of_overlapping_entries_is_refused()
    {
        Shell.Run(temp.Path, "python3 -c \"import zipfile; z=zipfile.ZipFile('x.tar','w'); z.writestr('aaaa','x'*1000); z.writestr('bbbb','y'*1000); z.close()\"");
        var bytes = await File.ReadAllBytesAsync(temp["x.tar"]);
        var directory = LastIndexOf(bytes, "PK\x01\x02"u8);
        bytes.AsSpan(directory + 42, 4).Clear();
        await File.WriteAllBytesAsync(temp["x.tar"], bytes);

        Assert.Contains("same data", Assert.Single((await VerifyAsync()).Errors).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_zip_that_calls_a_file_by_two_names_is_refused()
    {
        Shell.Run(temp.Path, "python3 -c \"import zipfile; z=zipfile.ZipFile('x.tar','w'); z.writestr('good.txt','x'); z.close()\"");
        var bytes = await File.ReadAllBytesAsync(temp["x.tar"]);
        "evil"u8.CopyTo(bytes.AsSpan(30));
        await File.WriteAllBytesAsync(temp["x.tar"], bytes);

        Assert.Contains("another name", Assert.Single((await VerifyAsync()).Errors).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_encrypted_zip_is_refused_and_says_so()
    {
        Shell.Run(temp["in"], "zip -q -P secret ../y.zip a.txt; mv ../y.zip ../x.tar");

        Assert.Contains("encrypted", Assert.Single((await VerifyAsync()).Errors).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("head -c 200M /dev/zero | python3 -c \"import sys,zipfile; z=zipfile.ZipFile('x.tar','w',zipfile.ZIP_DEFLATED,compresslevel=9); z.writestr('zeros', sys.stdin.buffer.read()); z.close()\"")]
    [InlineData("truncate -s 200M zeros; tar cjf x.tar zeros; rm zeros")]
    [InlineData("truncate -s 200M zeros; tar cf x.tar zeros; rm zeros")]
    public async Task A_bomb_is_stopped_at_the_room_there_is(string pack)
    {
        Shell.Run(temp.Path, pack);

        var proof = await archives.VerifyAsync(temp["x.tar"], new ArchiveLimits(50 << 20), new Progress(), CancellationToken.None);

        Assert.NotEmpty(proof.Errors);
        Assert.True(proof.ContentBytes < 60 << 20, $"{proof.ContentBytes} bytes were read.");
    }

    [Fact]
    public async Task An_empty_file_and_a_text_are_no_archives()
    {
        foreach (var content in new[] { "", "hello", new string('x', 2000) })
        {
            await File.WriteAllTextAsync(temp["x.tar"], content);

            Assert.NotEmpty((await VerifyAsync()).Errors);
        }
    }

    private Task<ArchiveProof> VerifyAsync() => archives.VerifyAsync(temp["x.tar"], ArchiveLimits.None, new Progress(), CancellationToken.None);

    private string Image(string folder) => TreeImage.ContentOf(temp[folder]);

    private static int LastIndexOf(byte[] bytes, ReadOnlySpan<byte> pattern) => bytes.AsSpan().LastIndexOf(pattern);

    private static byte[] RandomBytes(int length)
    {
        var bytes = new byte[length];
        new Random(42).NextBytes(bytes);
        return bytes;
    }
}
