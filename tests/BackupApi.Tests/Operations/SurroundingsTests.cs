using BackupApi.Operations;
using Xunit;

namespace BackupApi.Tests.Operations;

/// <summary>The command that is told fits where the service runs.</summary>
public sealed class SurroundingsTests
{
    private static readonly Surroundings Outside = new(1000, 1001, IsContainer: false, IsKubernetes: false, null, 0);

    [Fact]
    public void Outside_a_container_it_is_plain_chown() =>
        Assert.Equal("Run: sudo chown -R 1000:1001 /srv/backups", Outside.TakeOver("/srv/backups"));

    [Theory]
    [InlineData("/srv/my backups", "'/srv/my backups'")]
    [InlineData("/srv/it's", @"'/srv/it'\''s'")]
    [InlineData("/srv/$(reboot)", "'/srv/$(reboot)'")]
    public void A_path_that_a_shell_would_read_otherwise_is_quoted(string path, string quoted) =>
        Assert.EndsWith($" {quoted}", Outside.TakeOver(path), StringComparison.Ordinal);

    [Fact]
    public void In_a_container_it_needs_neither_the_host_path_nor_another_image() => Assert.Equal(
        "Run: docker run --rm --user 0:0 --volumes-from 0123456789ab --entrypoint chown $(docker inspect -f '{{.Image}}' 0123456789ab) -R 1000:1001 /backups",
        (Outside with { IsContainer = true, ContainerId = "0123456789ab" }).TakeOver("/backups"));

    [Fact]
    public void In_a_container_with_a_name_of_its_own_the_host_is_where_it_is_mended() =>
        Assert.Contains("On the host run: sudo chown -R 1000:1001", (Outside with { IsContainer = true }).TakeOver("/backups"), StringComparison.Ordinal);

    [Fact]
    public void In_kubernetes_it_is_a_field_of_the_pod() =>
        Assert.Contains("fsGroup: 1001", (Outside with { IsContainer = true, IsKubernetes = true }).TakeOver("/backups"), StringComparison.Ordinal);

    [Fact]
    public void Root_is_told_what_it_lacks_and_nobody_else_is()
    {
        var root = Outside with { UserId = 0 };

        Assert.Equal(4, root.MissingAsRoot().Count);
        Assert.StartsWith("LEASE", Assert.Single((root with { Capabilities = 0b1011 }).MissingAsRoot()), StringComparison.Ordinal);
        Assert.Empty((root with { Capabilities = 0b1011 | (1UL << 28) }).MissingAsRoot());
        Assert.Empty(Outside.MissingAsRoot());
    }
}
