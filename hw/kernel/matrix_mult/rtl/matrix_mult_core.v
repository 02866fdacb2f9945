// SPDX-License-Identifier: AGPL-3.0-or-later
// C = A x B for square matrices of int8, C of int32, row-major: a linear systolic array of CELLS multiplier-accumulators.
//
// Cell p owns the columns p, p+CELLS, … of B. B is read first and goes down the array in pairs of bytes; then each row of A (two rows are
// buffered) goes down it SIZE/CELLS times, a byte a cycle, with the address of its partner in B. Cell p ends a sum p cycles after
// cell 0, and results travel back towards cell 0: they come out in the order of C, every second cycle, so 2*CELLS <= SIZE.
// Every operand and control signal passes from neighbour to neighbour through a register. Nothing in the array ever waits: a pass begins
// only when its results have room in the output buffer.
// SIZE and CELLS are powers of two, CELLS >= 4.
`default_nettype none
module matrix_mult_core #(
    parameter SIZE = 256,
    parameter CELLS = 16,
    parameter FABRIC = 0
) (
    input  wire        clk,
    input  wire        reset,
    input  wire        start,  // one cycle, while idle
    output wire        idle,
    input  wire [63:0] address_a,
    input  wire [63:0] address_b,
    input  wire [63:0] address_out,
    output wire        m_axi_AWVALID,
    input  wire        m_axi_AWREADY,
    output wire [63:0] m_axi_AWADDR,
    output wire [7:0]  m_axi_AWLEN,
    output wire        m_axi_WVALID,
    input  wire        m_axi_WREADY,
    output wire [63:0] m_axi_WDATA,
    output wire        m_axi_WLAST,
    input  wire        m_axi_BVALID,
    output wire        m_axi_BREADY,
    output wire        m_axi_ARVALID,
    input  wire        m_axi_ARREADY,
    output wire [63:0] m_axi_ARADDR,
    output wire [7:0]  m_axi_ARLEN,
    input  wire        m_axi_RVALID,
    output wire        m_axi_RREADY,
    input  wire [63:0] m_axi_RDATA
);
    localparam LOG_SIZE = $clog2(SIZE);
    localparam LOG_CELLS = $clog2(CELLS);
    localparam PASS_BITS = LOG_SIZE - LOG_CELLS;          // passes of a row
    localparam ADDRESS_WIDTH = PASS_BITS + LOG_SIZE;      // of a cell's share of B: {pass, k}
    localparam TAG_WIDTH = LOG_CELLS - 1;
    localparam PIECE_BITS = 2 * LOG_SIZE - 1;             // 16-bit pieces of a matrix
    localparam IN_BITS = 6;                               // input buffer: 64 words, four bursts
    localparam OUT_BITS = 7;                              // output buffer: 128 words, 256 results
    localparam COUNT_WIDTH = 2 * LOG_SIZE;
    localparam [COUNT_WIDTH-1:0] IN_WORDS = SIZE * SIZE / 8;
    localparam [COUNT_WIDTH-1:0] OUT_WORDS = SIZE * SIZE / 2;

    // ---------------------------------------------------------------- memory in: all of B, then all of A
    reg ask_a;
    wire reader_idle, fetched, fetched_taken;
    wire [63:0] fetched_data;
    wire [IN_BITS:0] fetched_level;

    always @(posedge clk)
        if (reset) ask_a <= 1'b0;
        else if (start) ask_a <= 1'b1;
        else if (reader_idle) ask_a <= 1'b0;

    kernel_burst_read #(.DATA_WIDTH(64), .ROOM_BITS(IN_BITS), .COUNT_WIDTH(COUNT_WIDTH)) reader (
        .clk(clk), .reset(reset), .start(start || (ask_a && reader_idle)), .address(start ? address_b : address_a),
        .beats(IN_WORDS), .idle(reader_idle), .taken(fetched_taken),
        .m_axi_ARVALID(m_axi_ARVALID), .m_axi_ARREADY(m_axi_ARREADY), .m_axi_ARADDR(m_axi_ARADDR), .m_axi_ARLEN(m_axi_ARLEN)
    );
    assign m_axi_RREADY = 1'b1;
    kernel_fifo #(.WIDTH(64), .DEPTH_BITS(IN_BITS), .BLOCK(1)) in_buffer (
        .clk(clk), .reset(reset), .in_valid(m_axi_RVALID), .in_data(m_axi_RDATA),
        .out_valid(fetched), .out_ready(fetched_taken), .out_data(fetched_data), .level(fetched_level)
    );

    // ---------------------------------------------------------------- 64-bit words to 16-bit pieces of B or of a row of A
    reg loading;                      // B is being read
    reg [PIECE_BITS-1:0] piece_index;
    reg [PIECE_BITS-1:0] piece_place;
    reg [15:0] piece;
    reg piece_b, piece_a;             // a piece of that matrix is there
    reg [1:0] rows;                   // rows of A in the buffer, up to 2
    wire cut = fetched && (loading || rows != 2'd2);
    wire row_in = cut && !loading && (&piece_index[LOG_SIZE-2:0]);
    wire row_out;
    assign fetched_taken = cut && piece_index[1:0] == 2'd3;

    always @(posedge clk) begin
        piece <= fetched_data[piece_index[1:0]*16 +: 16];
        piece_place <= piece_index;
    end
    always @(posedge clk)
        if (reset) begin
            loading <= 1'b1;
            piece_index <= 0;
            piece_b <= 1'b0;
            piece_a <= 1'b0;
            rows <= 2'd0;
        end else begin
            piece_b <= cut && loading;
            piece_a <= cut && !loading;
            if (cut) begin
                piece_index <= piece_index + 1'b1;
                if (&piece_index) loading <= !loading;
            end
            if (row_in && !row_out) rows <= rows + 2'd1;
            if (!row_in && row_out) rows <= rows - 2'd1;
        end

    // ---------------------------------------------------------------- passes: k counts within a pass, passes within a row
    reg run, odd_row;
    reg [LOG_SIZE-1:0] k;
    reg [PASS_BITS-1:0] pass;
    reg [OUT_BITS+1:0] room;          // results that still find room in the output buffer
    wire result_taken;                // two of them
    wire room_for_pass = room >= CELLS;
    wire pass_ends = run && (&k);
    assign row_out = pass_ends && (&pass);
    wire go_on = pass_ends && room_for_pass && (!(&pass) || rows == 2'd2);
    wire begin_pass = go_on || (!run && rows != 2'd0 && room_for_pass);

    always @(posedge clk)
        if (reset) begin
            run <= 1'b0;
            odd_row <= 1'b0;
            k <= 0;
            pass <= 0;
            room <= 2 << OUT_BITS;
        end else begin
            run <= begin_pass || (run && !pass_ends);
            if (run) k <= k + 1'b1;
            if (pass_ends) pass <= pass + 1'b1;
            if (row_out) odd_row <= !odd_row;
            room <= room - (begin_pass ? CELLS : 0) + (result_taken ? 2 : 0);
        end

    // two rows of A, 16 bits wide
    (* ram_style = "block" *) reg [15:0] rows_memory [0:SIZE-1];
    reg [15:0] row_word;
    always @(posedge clk) if (piece_a) rows_memory[piece_place[LOG_SIZE-1:0]] <= piece & {16{piece_a}};  // gated for hold time
    always @(posedge clk) row_word <= rows_memory[{odd_row, k[LOG_SIZE-1:1]}];

    // ---------------------------------------------------------------- what enters cell 0
    reg [15:0] data;
    reg [ADDRESS_WIDTH-1:0] address;
    reg [TAG_WIDTH-1:0] tag;
    reg load, high_byte;
    reg [3:0] firsts;  // 1 to 4 cycles after k
    reg [4:0] lasts;   // 1 to 5 cycles after k
    wire [15:0] row_byte = {8'd0, high_byte ? row_word[15:8] : row_word[7:0]};

    always @(posedge clk) begin
        high_byte <= k[0];
        data <= piece_b ? piece : row_byte;
        tag <= piece_place[TAG_WIDTH-1:0];
        address <= piece_b ? {piece_place[TAG_WIDTH +: PASS_BITS], piece_place[PIECE_BITS-1 -: LOG_SIZE]} : {pass, k};
    end
    always @(posedge clk)
        if (reset) begin
            load <= 1'b0;
            firsts <= 4'd0;
            lasts <= 5'd0;
        end else begin
            load <= piece_b;
            firsts <= {firsts[2:0], run && k == 0};
            lasts <= {lasts[3:0], pass_ends};
        end

    // ---------------------------------------------------------------- the array; index p of a vector enters cell p
    wire [CELLS:0] c_reset, c_load, c_first, c_last, c_valid;
    wire [(CELLS+1)*16-1:0] c_data;
    wire [(CELLS+1)*ADDRESS_WIDTH-1:0] c_address;
    wire [(CELLS+1)*TAG_WIDTH-1:0] c_tag;
    wire [(CELLS+1)*24-1:0] c_result;
    assign c_reset[0] = reset;
    assign c_load[0] = load;
    assign c_first[0] = firsts[3];
    assign c_last[0] = lasts[4];
    assign c_data[15:0] = data;
    assign c_address[ADDRESS_WIDTH-1:0] = address;
    assign c_tag[TAG_WIDTH-1:0] = tag;
    assign c_valid[CELLS] = 1'b0;
    assign c_result[CELLS*24 +: 24] = 24'd0;

    genvar p;
    generate
        for (p = 0; p < CELLS; p = p + 1) begin : cells
            matrix_mult_cell #(.FABRIC(FABRIC), .ADDRESS_WIDTH(ADDRESS_WIDTH), .TAG_WIDTH(TAG_WIDTH), .INDEX(p)) one (
                .clk(clk),
                .in_reset(c_reset[p]), .in_data(c_data[p*16 +: 16]), .in_address(c_address[p*ADDRESS_WIDTH +: ADDRESS_WIDTH]),
                .in_tag(c_tag[p*TAG_WIDTH +: TAG_WIDTH]), .in_load(c_load[p]), .in_first(c_first[p]), .in_last(c_last[p]),
                .out_reset(c_reset[p+1]), .out_data(c_data[(p+1)*16 +: 16]),
                .out_address(c_address[(p+1)*ADDRESS_WIDTH +: ADDRESS_WIDTH]), .out_tag(c_tag[(p+1)*TAG_WIDTH +: TAG_WIDTH]),
                .out_load(c_load[p+1]), .out_first(c_first[p+1]), .out_last(c_last[p+1]),
                .in_result_valid(c_valid[p+1]), .in_result(c_result[(p+1)*24 +: 24]),
                .out_result_valid(c_valid[p]), .out_result(c_result[p*24 +: 24])
            );
        end
    endgenerate

    // ---------------------------------------------------------------- results in pairs to memory
    reg odd_result;
    reg [31:0] even_result;
    wire [31:0] result = {{8{c_result[23]}}, c_result[23:0]};
    always @(posedge clk) if (c_valid[0] && !odd_result) even_result <= result;
    always @(posedge clk)
        if (reset) odd_result <= 1'b0;
        else if (c_valid[0]) odd_result <= !odd_result;

    wire out_valid, out_ready, writer_idle;
    wire [63:0] out_data;
    wire [OUT_BITS:0] out_level;
    assign result_taken = out_valid && out_ready;
    kernel_fifo #(.WIDTH(64), .DEPTH_BITS(OUT_BITS), .BLOCK(1)) out_buffer (
        .clk(clk), .reset(reset), .in_valid(c_valid[0] && odd_result), .in_data({result, even_result}),
        .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data), .level(out_level)
    );
    kernel_burst_write #(.DATA_WIDTH(64), .LEVEL_WIDTH(OUT_BITS + 1), .COUNT_WIDTH(COUNT_WIDTH)) writer (
        .clk(clk), .reset(reset), .start(start), .address(address_out), .beats(OUT_WORDS), .idle(writer_idle),
        .level(out_level), .data_valid(out_valid), .data(out_data), .data_ready(out_ready),
        .m_axi_AWVALID(m_axi_AWVALID), .m_axi_AWREADY(m_axi_AWREADY), .m_axi_AWADDR(m_axi_AWADDR), .m_axi_AWLEN(m_axi_AWLEN),
        .m_axi_WVALID(m_axi_WVALID), .m_axi_WREADY(m_axi_WREADY), .m_axi_WDATA(m_axi_WDATA), .m_axi_WLAST(m_axi_WLAST),
        .m_axi_BVALID(m_axi_BVALID), .m_axi_BREADY(m_axi_BREADY)
    );
    assign idle = writer_idle;

    wire unused = &{1'b0, fetched_level, c_reset[CELLS], c_load[CELLS], c_first[CELLS], c_last[CELLS], c_data[CELLS*16 +: 16],
                    c_address[CELLS*ADDRESS_WIDTH +: ADDRESS_WIDTH], c_tag[CELLS*TAG_WIDTH +: TAG_WIDTH]};
endmodule
`default_nettype wire
