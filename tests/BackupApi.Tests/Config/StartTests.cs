using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Config;

/// <summary>How the process starts, or says why it does not.</summary>
public sealed class StartTests : IDisposable
{
    private readonly TempFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Wrong_settings_are_all_told_and_nothing_is_touched()
    {
        using var service = new ServiceProcess([], [.. ServiceProcess.Over(folder), ("MAX_BACKUPS", "none"), ("Backup__Treads", "2"), ("TZ", "Nowhere")]);

        Assert.Equal(78, await service.ExitAsync());
        Assert.Contains("MAX_BACKUPS is \"none\": allowed is a whole number of backups from 1 to 100000.", service.Errors, StringComparison.Ordinal);
        Assert.Contains("did you mean Backup__Threads", service.Errors, StringComparison.Ordinal);
        Assert.Contains("TZ is \"Nowhere\"", service.Errors, StringComparison.Ordinal);
        Assert.Contains("3 settings are wrong", service.Errors, StringComparison.Ordinal);
        Assert.Empty(service.Output);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task The_version_is_told_without_any_folder()
    {
        using var service = new ServiceProcess(["--version"], ServiceProcess.Over(folder));

        Assert.Equal(0, await service.ExitAsync());
        Assert.Matches(@"^BackupApi \d+\.\d+\.\d+\n$", service.Output);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task An_address_in_use_ends_the_start_in_one_line()
    {
        folder.Folder("storage");
        var (first, address) = await ServiceProcess.ServeAsync(folder);
        using var _ = first;
        using var other = new TempFolder();
        other.Folder("storage");
        using var second = new ServiceProcess([], [.. ServiceProcess.Over(other), ("ASPNETCORE_URLS", address.ToString()), ("Backup__LogFormat", "text")]);

        Assert.Equal(1, await second.ExitAsync());
        Assert.Contains("CRT", second.Output, StringComparison.Ordinal);
        Assert.Contains("address already in use", second.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", second.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_service_over_the_same_folders_refuses_to_start()
    {
        folder.Folder("storage");
        var (first, _) = await ServiceProcess.ServeAsync(folder);
        using var running = first;
        using var second = new ServiceProcess([], [.. ServiceProcess.Over(folder), ("ASPNETCORE_URLS", "http://127.0.0.1:0")]);

        Assert.NotEqual(0, await second.ExitAsync());
        Assert.Contains("Another BackupApi runs", second.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Log_lines_are_JSON_where_there_is_no_terminal_and_also_in_files()
    {
        folder.Folder("storage");
        var (service, _) = await ServiceProcess.ServeAsync(folder);
        using var running = service;
        service.Terminate();

        Assert.Equal(0, await service.ExitAsync());
        foreach (var line in service.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var json = System.Text.Json.JsonDocument.Parse(line).RootElement;
            Assert.EndsWith("Z", json.GetProperty("@t").GetString(), StringComparison.Ordinal);
            Assert.NotEmpty(json.GetProperty("SourceContext").GetString()!);
        }

        Assert.Contains("\"SourceContext\":\"BackupManager\"", service.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Quartz", service.Output, StringComparison.Ordinal);
        var file = Assert.Single(Directory.GetFiles(folder["backups/.backupapi/logs"]));
        Assert.Equal(service.Output, await File.ReadAllTextAsync(file));
    }
}
